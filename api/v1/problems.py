"""What an error's `type` points to."""

from api.errors import RULES, Problem
from api.routes import PUBLIC, Answer, Call, route
from api.schema import Nothing, Shown


class ProblemType(Shown):
    code: str
    status: int
    title: str


@route("GET", "/problems/{code}", access=PUBLIC, answer=ProblemType, refuses=("not_found",))
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """What an error code means"""
    code = call.path["code"]
    if code not in RULES:
        raise Problem("not_found", "there is no such error code")
    return Answer(ProblemType(code=code, status=RULES[code].status, title=RULES[code].title))


ROUTES = (show,)
