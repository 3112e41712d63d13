"""The live page in a real Chromium: what it shows, that it moves by itself, and that nothing on it breaks out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Locator, Page, expect

from node.processes import attempts
from tests.fakes.world import BITCOIN, BTC, SEPA
from tests.integration.page.conftest import PageNode
from wallet.access.keys import Scope, revoke_key
from wallet.addresses.assign import assign_address
from wallet.assets.pause import pause_asset, resume_asset
from wallet.customers.sub_accounts import Wanted, create_sub_accounts
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.money import parse_amount
from wallet.ports import Destination, Party
from wallet.withdrawals.request import request_withdrawal

PHONE, DESK = (360, 740), (1200, 900)
WITHIN_MS = 45_000  # a loaded machine starts pages slowly; a page that works answers in a fraction of it
expect.set_options(timeout=WITHIN_MS)


@asynccontextmanager
async def opened(browser: Browser, address: str, size: tuple[int, int] = PHONE) -> AsyncIterator[Page]:
    """A page in a profile of its own; whatever the browser complains of fails the test."""
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = await context.new_page()
    page.set_default_timeout(WITHIN_MS)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(address)
    yield page
    await context.close()
    assert complaints == []


async def live(page: Page) -> None:
    await expect(page.locator("#state")).to_have_text("live")


async def size_of(shape: Locator) -> tuple[float, float]:
    """Of something drawn; looked for again when the page puts a newer part in its place meanwhile."""
    async for _ in attempts(WITHIN_MS * 0.001):
        box = await shape.bounding_box()
        if box is not None:
            return box["width"], box["height"]
    raise AssertionError("it is not drawn")


async def bitcoin_deposit(page_node: PageNode, owner: CustomerId, amount: str) -> None:
    address = await assign_address(page_node.world.context, "test", owner, BITCOIN)
    page_node.world.networks[BITCOIN].pay_in(str(address["address"]), parse_amount(amount, BTC))


async def block(page_node: PageNode) -> None:
    page_node.world.networks[BITCOIN].mine()
    await page_node.world.look(BITCOIN)


async def test_a_deposit_advances_before_ones_eyes(page_node: PageNode, browser: Browser) -> None:
    world = page_node.world
    world.networks[BITCOIN].depth = 4
    world.networks[BITCOIN].mine(4)
    owner = await world.customer("watcher")
    await bitcoin_deposit(page_node, owner, "0.5")
    async with opened(browser, page_node.link(await world.key(owner, Scope.READ))) as page:
        await live(page)
        await expect(page.locator("#deposits")).to_contain_text("Nothing has arrived yet")
        row = page.locator("#deposits li")
        for status, held in (
            ("detected", "0.00"),
            ("confirming 2 of 4", "0.00"),
            ("confirming 3 of 4", "0.00"),
            ("credited", "0.50"),
        ):
            await block(page_node)
            await expect(row.locator(".status")).to_have_text(status)
            await expect(page.locator("#watcher-BTC")).to_have_text(held)
        await expect(row.locator(".figure")).to_have_text("0.50 BTC")
        await expect(row.locator("progress")).to_have_count(0)
    world.networks[BITCOIN].depth = 2


async def test_it_fits_a_phone_and_a_desk(page_node: PageNode, browser: Browser) -> None:
    world = page_node.world
    owner = await world.customer("resident")
    await world.fund(owner, "ETH", "1.123456789012345678")
    await world.fund(owner, "EUR", "12500.00")
    await bitcoin_deposit(page_node, owner, "0.1")
    await block(page_node)
    await withdraw(page_node, owner)
    secret = await world.key(owner, Scope.READ)
    for size in (PHONE, DESK):
        async with opened(browser, page_node.link(secret), size) as page:
            await live(page)
            assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
            codes = page.locator(".qr svg")
            assert await codes.count() == 3
            for place in range(3):
                width, height = await size_of(codes.nth(place))
                assert width > 100
                assert abs(width - height) < 1
            await expect(page.locator("#resident-EUR")).to_have_text("12\u202f400.00")
            await expect(page.locator("#balances")).to_contain_text("100.00 held")
            await expect(page.locator("#addresses")).to_contain_text("DE89 3704 0044 0532 0130 00")
            await expect(page.locator("#withdrawals .status")).to_have_text("requested")
            await expect(page.locator("#networks tbody tr")).to_have_count(3)


async def test_the_secret_leaves_the_address_bar_and_stays_out_of_the_browser(
    page_node: PageNode, browser: Browser
) -> None:
    owner = await page_node.world.customer("discreet")
    secret = await page_node.world.key(owner, Scope.READ, Scope.WITHDRAW)
    async with opened(browser, page_node.link(secret)) as page:
        assert page.url == f"{page_node.client.url}/live"
        (cookie,) = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/live")
        assert secret not in cookie["value"]
        assert secret not in await page.content()
        assert await page.evaluate("document.cookie") == ""
        elsewhere = await page.request.get(f"{page_node.client.url}/v1/balances")
        assert elsewhere.status == 401


async def test_the_source_is_linked_and_can_be_had(page_node: PageNode, browser: Browser) -> None:
    owner = await page_node.world.customer("reader")
    async with opened(browser, page_node.link(await page_node.world.key(owner, Scope.READ)), DESK) as page:
        link = await page.locator("footer a").get_attribute("href")
        assert (await page.request.get(f"{page_node.client.url}{link}")).status == 200


async def test_a_customer_sees_itself_and_an_operator_sees_all(page_node: PageNode, browser: Browser) -> None:
    world = page_node.world
    one, two = await world.customer("first_one"), await world.customer("second_one")
    await world.fund(one, "DUSD", "11")
    await world.fund(two, "DUSD", "22")
    async with opened(browser, page_node.link(await world.key(one, Scope.READ)), DESK) as page:
        await expect(page.locator("#first_one-DUSD")).to_have_text("11.00")
        assert "second_one" not in await page.content()
        assert "22.00" not in await page.content()
    operator = await world.operator("page_operator")
    async with opened(browser, page_node.link(await world.key(operator, Scope.OPERATE_READ)), DESK) as page:
        await live(page)
        await expect(page.locator("#first_one-DUSD")).to_have_text("11.00")
        await expect(page.locator("#second_one-DUSD")).to_have_text("22.00")
        await expect(page.locator("#deposits")).to_contain_text("@second_one")


async def test_what_payers_write_is_shown_nowhere_and_runs_nowhere(page_node: PageNode, browser: Browser) -> None:
    world, hostile = page_node.world, "<img src=x onerror=document.title='owned'>"
    owner = await world.customer("careful", hostile)
    address = await assign_address(world.context, "test", owner, SEPA)
    network = world.networks[SEPA]
    network.pay_in(
        str(address["address"]), parse_amount("1.00", network.fee_asset), party=Party(hostile, None), text=hostile
    )
    network.mine(network.depth)
    await world.look(SEPA)
    async with opened(browser, page_node.link(await world.key(owner, Scope.READ))) as page:
        await live(page)
        await expect(page.locator("#deposits .status")).to_have_text("credited")
        assert await page.title() == "@careful · Coffer"


async def test_a_paused_asset_is_announced_while_one_looks(page_node: PageNode, browser: Browser) -> None:
    world = page_node.world
    owner = await world.customer("patient")
    async with opened(browser, page_node.link(await world.key(owner, Scope.READ))) as page:
        await live(page)
        await pause_asset(world.context, "test", "ETH", "canary")
        await expect(page.locator("#notices")).to_contain_text("ETH is paused")
        assert "canary" not in await page.content()
        await resume_asset(world.context, "test", "ETH", "looked")
        await expect(page.locator("#notices")).not_to_contain_text("ETH is paused")


async def test_a_revoked_key_closes_the_open_page(page_node: PageNode, browser: Browser) -> None:
    world = page_node.world
    owner = await world.customer("leaver")
    secret = await world.key(owner, Scope.READ)
    key = (await page_node.client.as_(secret).get("/v1/me")).body["key"]
    async with opened_despite_401(browser, page_node.link(secret)) as page:
        await live(page)
        await revoke_key(world.context, "test", owner, key)
        await expect(page.locator("h1")).to_have_text("Open the live page")
        await page.fill("#token", secret)
        await page.click("button")
        await expect(page.locator("[role=alert]")).to_contain_text("does not open a page")


async def test_the_form_opens_the_page_for_those_without_a_link(page_node: PageNode, browser: Browser) -> None:
    owner = await page_node.world.customer("typist")
    secret = await page_node.world.key(owner, Scope.READ)
    async with opened_despite_401(browser, f"{page_node.client.url}/") as page:
        await page.fill("#token", secret)
        await page.click("button")
        await live(page)
        await expect(page.locator("h1")).to_have_text("@typist")


async def test_nobody_gets_a_page_without_a_key_that_may_read(page_node: PageNode) -> None:
    owner = await page_node.world.customer("payer_only")
    blind = await page_node.world.key(owner, Scope.PAY)
    for address in ("/live", "/live?token=", "/live?token=coffer_x", f"/live?token={blind}"):
        reply = await page_node.client.get(address)
        assert reply.status == 401
        assert "Set-Cookie" not in reply.headers
    for cookie in ("x", "coffer_live=AAAA", f"coffer_live={blind}"):
        assert (await page_node.client.get("/live/events", Cookie=cookie)).status == 401
        assert (await page_node.client.get("/live", Cookie=cookie)).status == 401


async def test_the_page_without_its_script_still_shows_what_there_is(page_node: PageNode, browser: Browser) -> None:
    owner = await page_node.world.customer("scriptless")
    await page_node.world.fund(owner, "EUR", "3.00")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(page_node.link(await page_node.world.key(owner, Scope.READ)))
    assert await page.locator("#scriptless-EUR").inner_text() == "3.00"
    await context.close()


async def test_a_sub_account_without_a_handle_is_named_by_its_reference(page_node: PageNode, browser: Browser) -> None:
    platform = await page_node.world.customer("page_platform")
    (standing,) = await create_sub_accounts(page_node.world.context, "test", platform, [Wanted("order.77", (BITCOIN,))])
    sub = CustomerId(standing.customer["id"])
    await page_node.world.fund(sub, "EUR", "4.00")
    operator = await page_node.world.key(await page_node.world.operator("page_op"), Scope.OPERATE_READ)
    async with opened(browser, page_node.link(await page_node.world.key(sub, Scope.READ))) as page:
        assert await page.locator("h1").inner_text() == "order.77"
        await expect(page.locator("[id='order.77-EUR']")).to_have_text("4.00")
    async with opened(browser, page_node.link(operator)) as page:
        await expect(page.get_by_text("@page_platform")).to_be_visible()
        assert "order.77" not in await page.content()


@asynccontextmanager
async def opened_despite_401(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A page that meets a 401 on its way, which the browser notes as an error."""
    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(WITHIN_MS)
    await page.goto(address)
    yield page
    await context.close()


async def withdraw(page_node: PageNode, owner: CustomerId) -> None:
    await request_withdrawal(
        page_node.world.context,
        "test",
        owner,
        SEPA,
        parse_amount("100.00", page_node.world.networks[SEPA].fee_asset),
        Destination("outside-1", "Somebody"),
        Request(owner, "withdrawal.request", "page", bytes(32)),
    )
