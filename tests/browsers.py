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
