#!/usr/bin/env python3
"""The page of `hydrate diff --format html` in a real browser: 5,000 objects of which most differ, from file://.

usage: run.py HYDRATE

It has to load without a word on the console under its own Content-Security-Policy, to filter within 100 ms, to be usable by keyboard alone, and to pass axe without a
serious finding, light and dark. Needs Chromium (CHROMIUM names it), playwright for Python, and axe-core (AXE names axe.min.js; else npm fetches it); says SKIPPED where one is missing.
"""
import os, pathlib, shutil, subprocess, sys, tempfile

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sys.exit(print("SKIPPED: playwright for Python is not installed (pip install playwright)"))

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
if not CHROMIUM:
    sys.exit(print("SKIPPED: there is no Chromium (CHROMIUM names one)"))

MEASURE = """async (query) => {
  const search = document.getElementById('search');
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  await frame();
  search.value = query;
  const start = performance.now();
  search.dispatchEvent(new Event('input'));
  await frame();
  return [performance.now() - start, document.getElementById('shown').textContent];
}"""
AXE = """async () => (await axe.run()).violations.filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => [one.id, one.nodes[0].html])"""


def state(version):
    """5,000 objects; of the second version ten are gone, and nearly all of the rest differ each in its own way."""
    for number in range(5000):
        if number % 500 == 0:
            if version == 1:
                yield f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data-{number}, namespace: shop}}\nspec: {{accessModes: [ReadWriteOnce]}}\n"
            continue
        lines = "".join(f"  setting-{line}: value {line} of {number}{' now' if version == 2 and line == number % 40 else ''}\n" for line in range(45))
        yield f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{number}\n  namespace: shop\n  labels: {{helm.sh/chart: app-{version}.0.0}}\ndata:\n{lines}"


def axe_script(directory):
    if named := os.environ.get("AXE"):
        return named
    packed = shutil.which("npm") and subprocess.run(["npm", "pack", "--silent", "axe-core"], cwd=directory, capture_output=True, text=True)
    if not packed or packed.returncode:
        return None
    subprocess.run(["tar", "xzf", packed.stdout.strip(), "package/axe.min.js"], cwd=directory, check=True)
    return str(directory / "package/axe.min.js")


def look(browser, page_file, axe, scheme, wrong):
    def hold(what, is_so, found=""):
        print(f"{'ok    ' if is_so else 'WRONG '} {scheme}: {what} {found}")
        if not is_so:
            wrong.append(what)

    said = []
    page = browser.new_page(color_scheme=scheme)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(page_file.as_uri())
    hold("nothing is said on the console", not said, said)
    for query in ["app-77", "setting-5 now", "nothing has this", ""]:
        # The best of three: others use this machine too.
        took, shown = min(page.evaluate(MEASURE, query) for _ in range(3))
        hold(f"filters by {query!r} within 100 ms", took < 100, f"({took:.0f} ms, {shown})")
    claims = page.locator("article.finding li").count()
    hold("every danger is there", claims >= 10, f"({claims})")
    page.keyboard.press("/")
    hold("/ goes to the search", page.evaluate("document.activeElement.id") == "search")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    hold("j and Enter open an entry", page.evaluate("document.activeElement.parentElement.open === true"))
    if axe:
        # axe has to be let in past the page's own policy.
        page = browser.new_context(color_scheme=scheme, bypass_csp=True).new_page()
        page.goto(page_file.as_uri())
        page.evaluate("Array.from(document.querySelectorAll('details')).slice(0, 100).forEach((one) => { one.open = true; })")
        page.add_script_tag(path=axe)
        found = page.evaluate(AXE)
        hold("axe finds nothing serious", not found, found)


def main(hydrate):
    wrong = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as play:
        directory = pathlib.Path(name)
        for version in (1, 2):
            (directory / f"{version}.yaml").write_text("---\n".join(state(version)))
        page_file = directory / "page.html"
        page_file.write_bytes(subprocess.run([hydrate, "--format", "html", "git-diff", "1.yaml", "2.yaml"], cwd=directory, check=True, capture_output=True).stdout)
        axe = axe_script(directory)
        if not axe:
            print("SKIPPED: axe-core (AXE names axe.min.js)")
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            look(browser, page_file, axe, scheme, wrong)
        browser.close()
    return 1 if wrong else 0


sys.exit(main(os.path.abspath(sys.argv[1])))
