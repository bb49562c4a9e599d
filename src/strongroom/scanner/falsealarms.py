"""Values that are no secret whatever the name beside them says.

`placeholder` knows what people write where a secret is to be put; `harmless` adds what the
shape alone excludes (references, paths, dates, hashes of nothing). Each returns a reason or "".
"""

from strongroom.scanner.lazy_pattern import lazy

_TEMPLATE = lazy(
    r"^[\"']?\$\w+[\"']?$|^\$?\w{1,20}\(['\"]|\{[\w.]+[!}]|\{\w+$|^-[a-z]{1,12}$|^--[a-z{]|\$\{|\$\(|\{\{|"
    r"\}\}|<%|%>|#\{|\{%|<\?|\$\[\[|\$\$\{|"
    r"^\$[A-Za-z_]\w*(?:[\[{:>-].*)?$|^\([\w -]+\)$|\$[A-Z][A-Z_]{3,}\b|"
    r"^%\w+%$|^%\(\w+\)s|^%[-\d.]*[sdxvqrif@]$|"
    r"^@[\w.\-]+@$|^`[^`]*`$|^<[^<>]+>$|^\[[^\[\]]+\]$|^\{(?!AQ|[\w+/]{22,}={1,2}\})[^{}]*\}$|^__\w+__$|^:[a-z_]\w*$|^\?+$|"
    r"^!(?:vault|secret|env\w*|ref|sub|getatt|include\w*|join|encrypted\w*|import\w*|base64)\b|^\$\w+\$$|%\{|^&[a-z]+;|^\$\d$|"
    r"^\$env:|^(?:ref|refs|secret|vault|op|ssm|aws-?sm|arn|file|env|keyring|resolve|gcp|sops|"
    r"azurekeyvault|doppler|ssh|strongroom)(?:\+\w+)?:|"
    r"^ENC\[|^ENC\(|^AQICAH|\$ANSIBLE_VAULT|^\w+\(.*\)$|^@Microsoft\.KeyVault|^\{\w+\}|"
    r"<[a-z_ \-]+>|\[[A-Z_ \-]+\]|^%[A-Z_]+"
)
_WORDS = (
    "your|change_?me|changeit|change_?this|change_?it|replace|insert|placeholder|example|samp"
    "le|dummy|redacted|removed|hidden|masked|"
    "omitted|todo|fixme|tbd|fill_?in|fill_?me|not_?set|not_?real|not_?used|unused|none_?set|p"
    "ut_?your|enter_?your|my_?(?:secret_?|api_?)?(?:key|password|token|secret)|some_?(?:thing"
    "|password|token|secret|key|pass)"
    "|super_?secret|top_?secret|secret_?here|password_?here|key_?here|token_?here|goes_?here|"
    "_here\\b|foo_?bar|lorem|fake|mock|"
    "undefined|default_?password|no_?password|same_?as|see_?below|redact|obfuscated|scrubbed|"
    "sanitized|censored|deadbeef|the_?password"
)
_PLACEHOLDER = lazy(rf"(?i)(?:^|[^a-z]|(?<=[a-z])(?=[A-Z]))({_WORDS})")
_INSTRUCTION = lazy(
    r"(?i)\byour|^your|change_?(?:me|it|this)|replace|insert|placeholder|redacted|removed|omitted|todo|fixme|tbd|fill_?(?:in|me)|"
    r"put_?your|enter_?your|not_?set|(?:secret|password|key|token|goes)_?here|see_?below|sanitized|censored|scrubbed"
)
SHORT_WORD, RANDOM = 5, 24  # letters of a word; characters of a value that may hold it by chance
_MASK = lazy(
    r"(.)\1{3,}$|[xX*.•●_#?-]{3,}$|.*(?:[xX]{5,}|\*{3,}|\.{3,}|•{2,}|_{4,}|#{4,}|…)|"
    r"^(.{1,4}?)\2{3,}$|^0+[1-9a-f]?$|(?:[A-Za-z]{1,12}[_-]){1,3}(.)\3{7,}$"
)
_FIELD = lazy(
    r"(?i)(?:(?:the|my|a|an|your|new|old|current|test|user|db|database|admin|root|login|"
    r"account|access|api|auth|client|app|invalid|"
    r"wrong|bad|valid|correct|good|some|any|no|enter|confirm|forgot|reset|secret|private|"
    r"public|refresh|bearer|id|csrf|session|oauth2?|"
    r"jwt|basic|plain|hashed|encrypted|default|x|http|proxy|service|server|device|master|"
    r"signing|encryption|shared|your)[\s_\-./:]*)*"
    r"(?:pass(?:word|wd|phrase|code)?s?|pwd|secrets?|tokens?|keys?|creds?|credentials?|"
    r"auth(?:orization|entication)?|username|user|login|name|"
    r"value|string|text|bearer|basic|digest|hash|salt|nonce|seed|api_?key|access_?key|type|"
    r"id|email|hidden|new|old|current)"
    r"(?:[\s_\-.]*(?:\d{1,2}|value|string|here|text|id|name|key|hash|field|input|"
    r"confirm(?:ation)?|reset|required|file|path))?[\s?:!.]*"
)
_SCALAR = lazy(
    r"(?i)(?:true|false|x?yes|x?no|on|off|null|nil|none|undefined|nan|void|empty|blank|n/?a|"
    r"required|optional|enabled|disabled|"
    r"test(?:s|ing|er)?|tests?[\-_]?(?:ing|er|key|value|token|secret|user)|foo|bar|baz|qux|"
    r"abc(?:123)?|abcd?1234|xyz|asdf?|str(?:ing)?|int|bool(?:ean)?|bytes|object|any|default|auto|manual|prompt|"
    r"ask|always|never|unset|unknown|anonymous|guest|public|private|internal|plain(?:text)?|"
    r"md5|sha\d*|hmac.*|scram-.*|mschap(?:v2)?|s?chap|e?ap-\w+|peap|e?ttls|gtc|aes.*|rsa|bcrypt|"
    r"scrypt|argon2\w*|oauth2?|bearer|basic|digest|jwt|hs256|rs256|base64|hex|utf-?\d+|ascii|"
    r"latin-?1|iso-?8859-?\d+|cp\d+|windows-\d+|json|xml|self|this|super|new|function|"
    r"lambda|import|return|let|const|var|else|error|ok|local|static|dynamic|inherit|all|"
    r"hello|world|hello.?world|data|file|env|environ|"
    r"windowspe|offlineservicing|oobesystem|generalize|specialize|audit(?:system|user)|"
    r"[\d.,:\-/\s+]{1,7}|0x[0-9a-f]{1,8}|v?\d+(?:\.\d+)+\S{0,6}|\d{4}-\d\d-\d\d\S*|\d+(?:px|"
    r"em|rem|ms|s|m|h|d|kb|mb|gb|%)?)"
)
_PATHLIKE = lazy(
    r"(?i)(?:~|\.{1,2}|[a-z]:)?[\\/](?:[\w.\-${} ]+[\\/])+[\w.\-*${}]*|"
    r"[./~][\w\-./]+\.(?:[a-z]{2,4}\d?)|[\w\-./]+\.(?:pem|key|crt|cer|json|"
    r"ya?ml|txt|conf|cfg|py|js|ts|java|php|rb|html?|css|png|jpe?g|svg|sh|xml|properties|jks|"
    r"p12|pfx|ini|toml|md|go|sql|gpg|kdbx|tf|log|db)|"
    r"(?:https?|ftp|file|git|ssh|wss?|urn|mailto|sdb|s3|gs|jdbc|ldaps?|tcp|udp|data|chrome|"
    r"about|blob)[:][^\s]*|/[\w\-]+(?:/[\w\-:]*)*/?"
)
_REFERENCE = lazy(
    r"[A-Za-z_$@&*!][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$][\w$]*)+[?!]?(?:[(\[].*)?|"
    r"[A-Za-z_$][\w.$:>\-]{2,}\(.*|[A-Za-z_$][\w$.]*\[.*|(?:process\.env|os\.environ|ENV|self|this|args|"
    r"config|options|params|props|request|settings|ctx)\b.*[.\[(].*"
)
_PATTERN = lazy(
    r"\\\\?[swdbSWDB][+*{\])]|\(\?[:=!P]|\[\^|\]\+|\]\*|\)\+|\.\*|\[[a-zA-Z0]-[zZ9]|\]\{\d|"
    r"\\\\?u\d{4}|\\\\[1-9]|\[-?\d*\]\.|^&#?\w{1,6};?$"
)
_FORMAT = lazy(r"(?:%[-\d.]*[sdifrxq@]|\{\d?\}|[^A-Za-z0-9])+|[A-Za-z.]+\[[\w., |]*\]")
_PUBLIC = lazy(
    r"MF[kw]w(?:Ew|DQ)|MIGfMA0G|MIIB[IoC]jANBg|MII[A-H][\w+/]{2}CCA|ssh-(?:rsa|ed25519|dss) |"
    r"ecdsa-sha2|-----BEGIN (?:PUB|CERT)"
)
_WORDING = lazy(
    r"[A-Za-z ]+[:?=]\s*|\(\$.*|-\[.*|.*&(?:lt|gt|quot|amp|[lr]dquo|nbsp|#\w{2,5});?.*|"
    r"(?:projects|secrets?|kv|locations|users|api|v\d)/[\w./-]+|[a-z]:\w{1,8}|\d{1,4}:[a-z]+|[A-Za-z]:[/\\].*|(?:\w+\\{1,2}){2,}\w+"
)
_HARMLESS = (
    (_SCALAR, "a constant, a number or a type"),
    (_FIELD, "names a field, not its content"),
    (_FORMAT, "a pattern or a format"),
    (_WORDING, "a prompt, a path or markup"),
    (_PATHLIKE, "a path or an address"),
)
_ALPHABET = (
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz 01234567890123456789 "
    "qwertyuiopasdfghjklzxcvbnm qwertzuiop 0123456789abcdef zyxwvutsrqponmlkjihgfedcba 9876543210"
)
_KNOWN = lazy(
    r"(?i)^(?:wJalrXUtnFEMI|Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2|"
    r"AKIA[A-Z0-9]*EXAMPLE|d41d8cd98f00b204e9800998ecf8427e|"
    r"da39a3ee5e6b4b0d3255bfef95601890afd80709|"
    r"e3b0c44298fc1c149afbf4c8996fb924|"
    r"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\.eyJzdWIiOiIxMjM0NTY3ODkwI|00000000-0000|"
    r"-?anonymous@|mF_9\.B5f-4\.1JqM|SlAV32hkKG|2YotnFZFEjr1zCsicMWpAA|tGzv3JOkF0XG5Qx2TlKWIA|"
    r"dGhlIHNhbXBsZSBub25jZQ|QWxhZGRpbjpvcGVuI|gX1fBat3bV|czZCaGRSa3F0M|Zm9vOmJhcg|"
    r"dXNlcjpwYXNz)"
)


def placeholder(value: str) -> str:
    """Say why `value` stands where a secret is to be put, or ""."""
    if _TEMPLATE.search(value):
        return "a template or a reference"
    if _MASK.match(value):
        return "masked or one repeated character"
    if any(_worded(value, *found.span(1)) for found in _PLACEHOLDER.finditer(value)):
        return "worded as a placeholder"
    if _KNOWN.search(value):
        return "a documentation sample"
    if sequential(value):
        return "a run of the alphabet, the digits or the keyboard"
    return ""


def unfilled(value: str) -> str:
    """Say why `value` is none in a file that is made of credentials, or "".

    Only what was left to be filled in: there a password such as `supersecret` or `12345678` is one.
    """
    if _TEMPLATE.search(value):
        return "a template or a reference"
    if _MASK.match(value):
        return "masked or one repeated character"
    return "an instruction" if _INSTRUCTION.search(value) else ""


def _worded(value: str, start: int, end: int) -> bool:
    """Whether a word was meant: in long random text a short one stands by chance, unless it stands alone."""
    alone = not (value[:start][-1:].isalnum() or value[end : end + 1].isalnum())
    return alone or end - start > SHORT_WORD or len(value) < RANDOM


def harmless(value: str) -> str:
    """Say why `value`, beside a secret-sounding name, is still none, or ""."""
    if _PATTERN.search(value):
        return "a pattern or a format"
    if _PUBLIC.match(value):
        return "a public key or a certificate"
    return next((reason for pattern, reason in _HARMLESS if pattern.fullmatch(value)), "")


def reference(value: str) -> bool:
    """Whether unquoted `value` reads a variable or calls a function."""
    return _REFERENCE.fullmatch(value) is not None


def sequential(value: str) -> bool:
    """Whether most of a long value is one run of the alphabet, the digits or the keyboard."""
    if len(value) < 8:
        return False
    low = value.lower()
    runs = sum(low[n : n + 4] in _ALPHABET for n in range(len(low) - 3))
    return runs >= (len(low) - 3) * 0.6
