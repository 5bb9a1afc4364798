"""Web pages in Chromium, as a person sees them."""

import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--disable-background-networking"]

# The walk includes shadow roots, because TensorBoard's pages are inside them.
EACH_NODE = """
    const each = (node, visit) => {
        visit(node);
        if (node.shadowRoot) each(node.shadowRoot, visit);
        node.childNodes.forEach(child => each(child, visit));
    };
    const found = [];
"""
TEXTS = """
    each(document.body, node => {
        const parent = node.parentElement;
        if (node.nodeType !== Node.TEXT_NODE || !node.textContent.trim() || !parent) return;
        if (!["STYLE", "SCRIPT"].includes(parent.tagName) && parent.getClientRects().length)
            found.push(node.textContent.trim());
    });
    return found;
"""
IMAGES = """
    each(document.body, node => { if (node.tagName === "IMG") found.push([node.naturalWidth, node.naturalHeight]); });
    return found;
"""


class Browser:
    """A browser without a window that shows one page at a time."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in (*FLAGS, "--window-size=1400,1000"):
            options.add_argument(flag)
        self._driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))

    def show(self, address: str) -> None:
        """Load `address`, after about:blank: the browser does not reload a page if only the part after # changes."""
        self._driver.get("about:blank")
        self._driver.get(address)

    def texts(self) -> list[str]:
        """Return the visible strings on the page."""
        return self._driver.execute_script(EACH_NODE + TEXTS)

    def images(self) -> list[tuple[int, int]]:
        """Return the original width and height in pixels of each image on the page, 0 if it could not be loaded."""
        return [tuple(size) for size in self._driver.execute_script(EACH_NODE + IMAGES)]

    def close(self) -> None:
        """Quit the browser."""
        self._driver.quit()
