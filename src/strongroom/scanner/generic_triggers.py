"""What wakes the generic stage: cheap patterns for the one matching database.

Each is valid for Hyperscan and for Python `re` (bytes); a hit's *end* is all that is used:
the stage then reads the text around it. They are broad on purpose: `generic.find` decides.
"""

from typing import NamedTuple


class Trigger(NamedTuple):
    """A pattern for the database; `name` says which family of reader looks at the place."""

    name: str
    pattern: str


_STRONG = r"(?:pass|pwd|psw|secret|cred|token|pw|psk|dsn|mnemonic)"
_WEAK = r"(?:key|auth|salt|pepper|nonce|seed|jwt|sig)"
_NAME_TAIL = r"[\w.\-]{0,24}(?:\[\w{0,8}\])?\\?[\"'`\])}]{0,3}\s{0,4}"
_JOINED = (
    r"(?:\??:\s?&?(?:constant )?[\w.'?]{1,16}\s?:?=|[=:(,>|!?]{1,2}=?|:-|->|<-|\{|"
    r"(?:as )?(?:string|\[\]byte) =|\(\)\)?\.\w{0,8}return\w{0,5}\(|"
    r"\.(?:type|fill|val|set_?value|send_?keys)\(|"
    r"by lazy \{|; \w{1,12} [=!]=|"
    r"\{ get;[^{}\n]{0,30}\} =|\.(?:not\.)?(?:to|be|is|eq|should)[\w. ]{0,20}\(|or )"
    r"\s{0,4}(?:\(\s{0,12}|<string>|!!str )?"
)
_CAST = r"(?:\((?:s?byte|char)\)\s?)?"

TRIGGERS = (
    Trigger("assign", rf"(?i){_STRONG}{_NAME_TAIL}{_JOINED}[^\s=;,(){{}}<>]"),
    Trigger(
        "assign",
        rf"(?i){_WEAK}{_NAME_TAIL}{_JOINED}"
        rf"(?:\[\]byte\(|(?:new )?[\w:.]{{1,28}}\()?"
        rf"[a-z@]{{0,2}}\\?[\"'`](?:\\[\"'])?[\w+/=.\-~]{{10}}",
    ),
    Trigger(
        "assign",
        rf"(?i){_WEAK}{_NAME_TAIL}{_JOINED}(?:[a-z+/=._\-~]{{0,8}}\d[\w+/=.\-~]{{8}}|[a-z+/=._\-~]{{9,28}}\d[\w+/=.\-~]{{2}})",
    ),
    Trigger(
        "assign",
        (
            rf"(?i)(?:{_STRONG}|key)[\w.\-]{{0,24}}(?:[\"'],?|"
            rf",)?(?:\"type\":\"[\w]{{0,12}}\",)?\s{{0,24}}"
            rf"(?:[-,{{]\s{{1,24}}|: ?\{{ ?(?:type: ?\w{{1,10}}, )?)?[\"']?"
            # value, default, content, with: for words the engine looks at all that stands before them
            rf"[vdcw][aeoi][lfnt][huat][a-z]{{0,8}}[\"']?\s{{0,3}}[=:>]"
        ),
    ),
    Trigger(
        "assign",
        rf"(?i){_STRONG}[\w.\- ]{{0,20}}(?:</(?:[\w-]{{0,12}}name|key|string)>"
        rf"|[\"'](?:\s\w{{1,14}}=\"\w{{1,20}}\")?\s?>)"
        r"\s{0,24}<(?:[\w-]{0,12}value|string|contents)>[^<\s]",
    ),
    Trigger("url", r"(?i)[a-z]\d?://[^\s/:@\"'<>]{0,64}:[^\s/@\"'<>]{2,80}@[\w\[{$%.-]"),
    Trigger("url", r"\w:[^\s:@\"'/]{2,60}@(?:tcp|unix|udp)\("),
    Trigger("auth", r"(?i)\b(?:basic|bearer)\s{1,2}[\w+/=.\-~]{12}"),
    Trigger(
        "auth", r"(?i)authorization[\"']?\]?\s{0,3}[=:,]\s{0,3}[\"'`]?(?:token|apikey|api-key|key|digest)\s"
    ),
    Trigger("key", r"-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY"),
    Trigger("key", r"-----BEGIN OpenVPN Static key"),
    Trigger("key", r"PuTTY-User-Key-File-\d"),
    Trigger("jwt", r"eyJ[\w\-]{17}"),
    Trigger(
        "hash",
        (
            r"(?i)\$(?:1|2[abxy]?|5|6|7|8|9|y|gy|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]{0,12}|p|h|"
            r"s|sha1|md5|bcrypt-sha256)\$[\w./=,+$]{8}"
        ),
    ),
    Trigger("hash", r"(?i)\{(?:s?sha\d{0,3}|smd5|md5|crypt|pbkdf2[\w-]{0,8}|ssha\d{3})\}[\w+/=$.]{12}"),
    Trigger(
        "hash",
        r"(?i)(?:pbkdf2_sha\d{1,3}|bcrypt_sha256|sha1|md5|scrypt|argon2)\$\$?[\w.]{1,24}\$[\w+/=$.]{8}",
    ),
    Trigger("hash", r"(?i)(?:pbkdf2:sha\d{1,3}:\d{1,8}|scrypt:\d{1,8}:\d:\d)\$"),
    Trigger("hash", r"(?i)\b[0-9a-f]{32}:[0-9a-f]{32}:::"),
    Trigger(
        "sql",
        (
            r"(?i)identified\s{1,3}(?:(?:with|via)\s{1,3}\S{1,30}\s{1,3})?(?:by|as|"
            r"using)\s{1,3}(?:password\s{0,3}\(?)?['\"]"
        ),
    ),
    Trigger(
        "assign",
        r"(?i)(?:pass|password|passwd|pwd|pw|psk|passcode|secret|token|key|passphrase|credentials?)\d{0,2}[\"']?"
        r"\s{1,8}(?:to |is )?[en@]?['\"`][^\s'\"<$%{`]",
    ),
    Trigger(
        "assign",
        r"(?i)variable \"[\w-]{0,40}(?:pass|pwd|secret|token|key)[\w-]{0,20}\" \{[^{}]{0,200}"
        r"\sdefault\s{1,12}= ",
    ),
    Trigger(
        "assign",
        r"(?i)(?:pass|password|passwd|pwd|secret|token|_key)\}?[ \t]{4,12}[^\s=:#(${]{4,64}[\r\n]",
    ),
    Trigger(
        "assign",
        (
            r"(?i)(?:^|\n)[ \t]{0,8}(?:env |arg |set |setenv |export )?[\w.-]{0,24}(?:pass|"
            r"password|passwd|pwd|bindpw|rootpw|secret|token|_?key|"
            r"passphrase|salt|nonce|psk|auth)[ \t]{1,4}[^\s=:#(]{4,64}[ \t]{0,2}(?:[\r\n]|$)"
        ),
    ),
    Trigger("sql", r"(?i)password\s{0,3}(?:\(|as)?\s{0,3}[en]?['\"][^\s'\"]"),
    Trigger(
        "login",
        r"(?i)(?:login|log_in|logon|authenticate|sign_?in|connect|connection|credentials?|"
        r"passwordauthentication|basic_?auth|[_.]auth|basicauth|user|"
        r"mysqli|pdo|passwordtoken|\.basic|pw_set|"
        r"auth\s?=\s?)[( ]\s{0,20}(?:[\w.$]{1,40},\s?)?[\"'][^\"'\n]{1,200}[\"'],\s{0,20}(?:som"
        r"e\()?[@bu]?[\"'][^\"'\s]",
    ),
    Trigger(
        "expected",
        r"(?i)(?:equals?|assert\w{0,12})\((?:\w{1,8},\s?)?[\"'][^\"'\s]{6,90}[\"'],\s{0,20}[\w.()]{0,40}"
        r"(?:pass|pwd|secret|token|key)",
    ),
    Trigger(
        "before",
        r"(?i)[\"'](?:,? {1,2}(?:forkey|key|forhttpheaderfield|for|withkey|name|forname|account|service)"
        r": ?@?[\"']| {1,3}where {1,3}[\w.`\"]{1,40} ?= ?'| {1,3}to {1,3}(?:ws-)?)[\w.-]{0,40}"
        r"(?:pass|pwd|pw|secret|token|key|cred|salt|seed)",
    ),
    Trigger(
        "before",
        r"(?i)value[\"']?\s?[:=]\s?[\"'][^\"'\s]{5,120}[\"'][,\s]\s{0,20}"
        r"[\"']?(?:name|key|id)[\"']?\s?[:=]\s?[\"']"
        r"[\w.-]{0,40}(?:pass|pwd|pw|secret|token|key|cred|salt|seed)",
    ),
    Trigger("expected", r"(?i)[\"']\.equals\w{0,10}\([\w.()]{0,40}(?:pass|pwd|secret|token|key)"),
    Trigger("powershell", r"(?i)securestring\s{1,3}(?:-string\s{1,2})?[\"'][^\s\"'$]"),
    Trigger(
        "flag",
        (
            r"(?i)[\s\"']--?[\w-]{0,24}(?:pass|pwd|secret|token|key|passin|passout|passwd|"
            r"cred)[\w-]{0,12}[\"']?[, =]\s?[\"']?[^\s\"'<\[{-]"
        ),
    ),
    Trigger("curl", r"(?i)\s(?:-u|--user|-user)[ =]?[\"']?[\w.@%+-]{1,48}[:,][^\s\"'$:/]"),
    Trigger(
        "command",
        (
            r"(?i)\b(?:sshpass|mysql(?:dump|admin|import|show|check)?|mariadb|mongo(?:dump|"
            r"restore|export|sh)?|redis-cli|ldap\w{3,8}|docker|htpasswd|smbclient|unzip|zip|7z|"
            r"lftp|wget|pg_dump|sqlcmd|bcp|isql|cadaver|rar|vncpasswd|plink|pscp|psftp|ipmitool|osql|"
            r"rdesktop|psexec)\b[^\n]{0,100}\s-(?:pw|p|a|w|c?b)[ =]?[\"']?[^\s-]"
        ),
    ),
    Trigger("command", r"(?i)nickserv[\"',: ]{1,8}identify\s{1,3}[^\s<]"),
    Trigger(
        "encoded",
        r"(?i)(?:pass|pwd|secret|token|key|cred|auth|salt)[\w.-]{0,16}(?:%3d|(?:\\{1,3}u0022|\\{1,3}x22|&quot;|&#34;|%22)"
        r" ?(?:[:=]|%3a) ?(?:\\{1,3}u0022|\\{1,3}x22|&quot;|&#34;|%22))[^\s&%\\\"']",
    ),
    Trigger(
        "assign", r"(?i)<(?:\w{1,20}:)?\w{0,24}(?:pass\w{0,8}|pwd|secret|token|key) [^<>\n]{1,80}>[^<\s]{3}"
    ),
    Trigger("command", r"\b(?:rabbitmqctl (?:add_user|change_password)|wpa_passphrase|cmdkey) [^\n]{4}"),
    Trigger(
        "command",
        r"\b(?:smbclient|rpcclient|winexe|net (?:rpc|ads)) [^\n]{0,160}-U ?[\"']?[\w\\/.@-]{1,60}%\S",
    ),
    Trigger(
        "device",
        r"(?:snmp-server community|(?:tacacs|radius)-server [^\n]{0,80}key|isakmp key"
        r"|neighbor \S{1,60} password|message-digest-key \d{1,3} md5"
        r"|username \S{1,60} [^\n]{0,40}(?:password|secret) 0|set (?:passwd|password|psksecret) ENC"
        r"|pre-shared-key ascii-text) \S",
    ),
    Trigger("command", r"(?i)\bnet\s{1,3}user\b[^\n]{0,80}/add"),
    Trigger("command", r"openssl [^\n|;]{0,160} -k [^\s-]"),
    Trigger(
        "crypto",
        r"(?i)(?:jwt\.(?:sign|verify|encode|decode)|hmac(?:\.new|\.hexdigest)?|aes\.(?:new|encrypt|decrypt)|secretkeyspec|"
        r"cookieparser|fernet|signer|serializer|hashids|openssl_(?:en|de)crypt|cipher(?:iv)?|signwith|hmacshakeyfor)"
        r"\([^\n\"']{0,80}[\"'][^\s\"']",
    ),
    Trigger(
        "bytes",
        (
            rf"(?i)(?:key|secret|passw(?:or)?d|passphrase|psk|salt)\w{{0,8}}[:=\[( ][^\n\"'`#{{]{{0,48}}"
            rf"(?:\s{{0,4}}[\[{{(]\s{{0,24}}{_CAST}(?:(?:0x|&h)[0-9a-f]{{2}}|-?\d{{1,3}})(?:u8|\.tobyte\(\))?"
            rf", ?{_CAST}(?:(?:0x|&h)[0-9a-f]{{1,2}}|-?\d{{1,3}})\b|[\"']\\x[0-9a-f]{{2}}\\x)"
        ),
    ),
    Trigger("command", r"(?i)\bnet\s{1,3}use\b[^\n]{0,80}/user:\S"),
    Trigger(
        "command",
        r"(?i)\becho\s{1,2}[\"']?[^\s\"']{1,64}[\"']?\s{0,2}\|\s{0,2}(?:sudo|passwd|docker|chpasswd|su)\b",
    ),
)
