"""What the node promises to withstand, and the tests that hold it to that: `make risks`, or `python -m tests.risks`.

`risks.toml` names each promise; a test names the promise that it keeps, `test_led_03_…`. Nothing is run here.
"""
