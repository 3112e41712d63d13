from playwright.async_api import Browser

PAGE = "<title>one</title><p id=count>0</p><script>count.textContent = [1, 2, 3].reduce((a, b) => a + b)</script>"


async def test_a_page_is_shown_and_its_script_runs(browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    await page.goto(f"data:text/html,{PAGE}")
    assert await page.title() == "one"
    assert await page.inner_text("#count") == "6"
    assert await page.evaluate("count.getBoundingClientRect().height") > 0
    await page.close()
