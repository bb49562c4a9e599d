"""What a file's path says: its kind of language, and whether it holds tests, samples or translations."""

import re
from functools import lru_cache
from typing import NamedTuple

from strongroom.scanner.lazy_pattern import lazy

_KINDS = {
    "code": "py pyx pyi js mjs cjs ts jsx tsx java kt kts go rs c cc cpp cxx h hpp hh cs vb swift m "
    "mm scala groovy gradle "
    "rb rake php php3 php5 phtml inc pl pm t lua dart ex exs erl hs clj cljs r jl sol coffee "
    "vue svelte fs fsx pas "
    "cr nim zig ml d as ps1 psm1 psd1 cshtml jsp aspx asp ipynb vim jinja erb ejs twig bicep",
    "shell": "sh bash zsh fish ksh csh bat cmd profile bashrc zshrc bash_profile bash_aliases "
    "bash_history zsh_history "
    "dockerfile makefile mk jenkinsfile envrc containerfile procfile tcl expect exp",
    "config": "yml yaml ini cfg cf conf config cnf properties props env toml tf tfvars hcl rc json json5 "
    "jsonc plist tfstate "
    "service nomad prefs settings local example sample dist template tpl j2 sql npmrc pypirc netrc s3cfg "
    "credentials secret secrets pgpass key htpasswd reg desktop sls edn opts vars inventory",
    "markup": "xml html htm xhtml xaml svg xsd wsdl resx csproj pom jelly xsl xslt rss ui",
    "text": "md rst txt adoc asciidoc text log csv tsv rtf tex man org wiki markdown 1 5 8 pod",
}
_BY_SUFFIX = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}
_LOCK = lazy(
    r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|"
    r"composer\.lock|cargo\.lock|gemfile\.lock|"
    r"poetry\.lock|pipfile\.lock|uv\.lock|go\.sum|flake\.lock|podfile\.lock|mix\.lock|packages\.lock\.json|"
    r"[^/]*\.lock(?:file)?|\.terraform\.lock\.hcl|record|checksums?(?:\.\w+)?|"
    r"[^/]*\.(?:sha\d+(?:sums?)?|md5(?:sums?)?|map|min\.css|"
    r"css|scss|less|svg|snap|sig|ics|woff2?|pem\.pub|pub))$"
)
_LOCALE = lazy(
    r"(?:^|/)(?:i18n|l10n|locales?|lang|langs|languages?|translations?|intl|nls)/|\.(?:po|"
    r"pot|strings|resx|xlf|xliff|arb|ftl|qm|lang)$|"
    r"(?:messages|strings|translations?|labels|locale|"
    r"lang)[._-]?(?:[a-z]{2}(?:[_-][a-z]{2})?)?\.(?:json|ya?ml|properties|xml|js|ts|php)$|"
    r"(?:^|/)values(?:-[a-z]{2})?/strings\.xml$|[._-][a-z]{2}[_-](?:[A-Z]{2})\.(?:json|properties)$",
    re.IGNORECASE,
)
_CODES = (
    "ar bg ca cs da de el en es et eu fa fi fr gl he hi hr hu id it ja ko lt lv ms nb nl pl "
    "pt ro ru sk sl sv th tr uk vi zh"
)
_LANGUAGE_FILE = lazy(
    rf"(?:^|/)(?:{_CODES.replace(' ', '|')})(?:[_-]\w{{2,4}})?\.(?:json|ya?ml|properties|js|ts|"
    rf"php)$"
)
_TEST = lazy(
    r"(?:^|[/_.\-])(?:tests?|specs?|testing|testdata|fixtures?|mocks?|e2e|"
    r"__tests__)(?:[/_.\-]|$)|Tests?\.\w+$"
)
_SAMPLE = lazy(
    r"(?:^|[/_.\-])(?:examples?|samples?|demos?|dist|template|tutorials?|docs?|readme)(?:[/_.\-]|$)",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """What the path tells. `kind`: code, shell, config, markup, text, or "" where unknown.

    A change log is left alone as a `lock` file is.
    """

    kind: str
    suffix: str
    lock: bool = False
    locale: bool = False
    test: bool = False
    sample: bool = False


@lru_cache(maxsize=4096)
def place_of(path: str) -> Place:
    """Read a path; "" gives a place of unknown kind."""
    base = path.rsplit("/", 1)[-1]
    suffix = base.rsplit(".", 1)[-1].lower() if "." in base else ""
    kind = _BY_SUFFIX.get(suffix) or _BY_SUFFIX.get(base.lower().partition(".")[0]) or ""
    if base.lower().startswith((".env", "env.")) or ".env" in base.lower():
        kind = "config"
    tail = path[-120:]
    low = tail.lower()
    return Place(
        kind or _bare(base),
        suffix,
        lock=_says(_LOCK, low, _LOCK_HINTS) or base.lower().startswith("changelog"),
        locale=_says(_LOCALE, tail, _LOCALE_HINTS, low) or _LANGUAGE_FILE.search(tail) is not None,
        test=_says(_TEST, tail, ("test", "spec", "fixture", "mock", "e2e"), low),
        sample=_says(_SAMPLE, low, _SAMPLE_HINTS),
    )


_LOCK_HINTS = (
    *("lock", "sum", "record", "npm-shrinkwrap", "css", "scss", "less", ".svg", ".snap", ".sig"),
    *(".ics", "woff", ".map", ".pub", "checksum", ".sha", ".md5"),
)
_SAMPLE_HINTS = ("exampl", "sampl", "demo", "dist", "templat", "tutorial", "doc", "readme")
_LOCALE_HINTS = (
    *("i18n", "l10n", "locale", "lang", "transl", "intl", "nls", "strings", "messages", "label", "values"),
    *(".po", ".resx", ".xl", ".arb", ".ftl", ".qm", ".json", ".properties"),
)


def _says(pattern: re.Pattern[str], text: str, hints: tuple[str, ...], low: str = "") -> bool:
    """Whether `pattern` finds something; it is asked only where a hint stands in the text."""
    low = low or text
    return any(hint in low for hint in hints) and pattern.search(text) is not None


def _bare(base: str) -> str:
    """The kind of a file without a known suffix: a dotfile is configuration, a bare word text."""
    if base.startswith(".") or base.lower().endswith("rc"):
        return "config"
    return "text" if base.isupper() else ""
