"""HTML pages read by a parser and shown by a browser, for the tests of pages."""

import html.parser
import json
import re
import shutil
import subprocess

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZES = """(() => {
  const boxes = [...document.querySelectorAll("main > *, header > *, p, figure")];
  const right = Math.max(...boxes.map(box => box.getBoundingClientRect().right));
  return {
    width: innerWidth, content: document.documentElement.scrollWidth, right: right,
    text: getComputedStyle(document.body).color};
})()"""


class Reader(html.parser.HTMLParser):
    """Collects the tags of a page and its text by tag."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.open, self.text = [], [], {}
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        for tag in self.open:
            self.text[tag] = self.text.get(tag, "") + data


def find_browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "Chromium is missing: scripts/setup.sh test installs it"
    return path


def show(browser, path, *flags):
    """Open a page; return its document after scripts have run, and its messages."""
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging"),
        *("--log-level=0", "--window-size=1600,1200", *flags, "--dump-dom"),
        path.as_uri(),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    )
    messages = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, messages


def measure(browser, path, folder, width, *flags, expression=SIZES):
    """Show a page in a frame of some width; return the value of an expression."""
    # The page allows no script but its own: a copy without that rule gets one.
    script = f"""<script>addEventListener("load", () => {{
      parent.postMessage({expression}, "*");
    }})</script>"""
    content = path.read_text()
    without_rule = re.sub(r"<meta http-equiv[^>]*>", "", content)
    assert without_rule != content
    (folder / "copy.html").write_text(
        without_rule.replace("</body>", script + "</body>")
    )
    frame = folder / "frame.html"
    frame.write_text(
        """<title></title><script>addEventListener("message", message => {
          document.title = JSON.stringify(message.data)})</script>"""
        f'<iframe src="copy.html" style="width:{width}px;height:900px;border:0">'
    )
    document, _ = show(browser, frame, *flags)
    return json.loads(html.unescape(re.search(r"<title>(.*?)</title>", document)[1]))


# ---- Contrast, by the definition of WCAG 2.2 (success criterion 1.4.3). ----


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return sum(x * y for x, y in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def assert_contrast(page: str) -> None:
    """Check the colours of a page's text in both themes."""
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    themes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(themes) == 2
    for theme in themes:
        colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", theme))
        for ground in ("paper", "panel"):
            for text in ("ink", "soft", "link"):
                assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
        # Text in a picture may have the colour of its line.
        for mark in ("blue", "orange", "green", "grey"):
            assert contrast(colors[mark], colors["paper"]) >= 4.5, mark
