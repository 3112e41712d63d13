"""The live page: one page, read-only, rendered here and kept current by server-sent events.

`routes` what it offers; `session` the cookie that a key is exchanged for; `reading` what is shown, as values; `rendering`
values to HTML; `stream` HTML that has changed to the browser; `codes` QR codes. No build step, nothing from elsewhere.
"""
