"""People at a ceremony, for tests: they write down what is shown and answer from their paper."""

import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

_SHOWN = re.compile(r"(\d+) +([a-z]+)")


@dataclass
class People:
    """Answer over a socket until the other side closes it. `paper` are the words by number; `change` rewrites an answer."""

    words: tuple[str, ...] = ()
    passphrase: str = ""
    change: Callable[[str, str], str] = lambda _question, answer: answer
    paper: dict[int, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def sit_down(self) -> tuple[socket.socket, threading.Thread]:
        """The descriptor for the ceremony, and who answers at its other end."""
        theirs, ours = socket.socketpair()
        talking = threading.Thread(target=self._talk, args=(ours,), daemon=True)
        talking.start()
        return theirs, talking

    def _talk(self, ours: socket.socket) -> None:
        with ours, ours.makefile("r", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                kind, _, text = line.rstrip("\n").partition(" ")
                self.heard.append(text)
                if kind == "show":
                    self.paper.update({int(number): word for number, word in _SHOWN.findall(text)})
                else:
                    ours.sendall(self.change(text, self._answer(text)).encode() + b"\n")

    def _answer(self, question: str) -> str:
        if asked := re.match(r"Word (\d+) ", question):
            return self.paper[int(asked[1])]
        if question.startswith("The 24 words"):
            return " ".join(self.words)
        if "passphrase" in question or "same again" in question:
            return self.passphrase
        return "yes"
