"""Stand-in for what rule tests must not find: near misses, placeholders and other tools' noise.

Each entry is (file name, form); `<class:n>` marks are drawn as in detector files.
`python -m bench.scanner_quality.negatives` prints the share that is reported, and each report.
"""

from strongroom.scanner import rules
from strongroom.scanner.examples import draw
from strongroom.scanner.matcher import Matcher

FORMS = (
    ("a.py", 'stripe_api_key = "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx"'),
    ("a.py", 'STRIPE_KEY = "sk_live_000000000000000000000000"'),
    ("a.py", 'github_token = "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"'),
    ("a.py", 'slack_token = "xoxb-your-token-goes-here"'),
    ("a.go", 'apiKey := os.Getenv("ADAFRUIT_API_KEY")'),
    ("a.go", "apiKey := cfg.AdafruitAPIKey"),
    ("a.js", "const apiKey = process.env.ALGOLIA_API_KEY;"),
    ("a.js", "headers: { Authorization: `Bearer ${token}` },"),
    ("A.java", 'String apiKey = System.getenv("ASANA_CLIENT_SECRET");'),
    ("a.rb", "api_key = ENV.fetch('CLOUDFLARE_API_KEY')"),
    ("a.sh", 'curl -H "Authorization: Bearer $GITHUB_TOKEN" https://api.example.com/v1/me'),
    ("a.sh", 'curl -u "$USER:$PASSWORD" https://api.example.com/'),
    ("a.yml", "password: ${{ secrets.DEPLOY_PASSWORD }}"),
    ("a.yml", "password: {{ .Values.database.password }}"),
    ("a.yml", "token: !vault |"),
    ("a.yml", "secretKeyRef:\n  name: database-credentials\n  key: password"),
    ("a.env", "API_KEY=<your-api-key>"),
    ("a.env", "API_KEY=YOUR_API_KEY_HERE"),
    ("a.env", "PASSWORD=changeme"),
    ("a.env", "TOKEN="),
    ("a.env", "TOKEN=********"),
    ("a.env", "SECRET_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    ("a.env", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"),
    ("a.env", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("go.sum", "github.com/stripe/stripe-go v1.0.0 h1:<base64:43>="),
    ("package-lock.json", '  "integrity": "sha512-<base64:86>==",'),
    ("yarn.lock", "  integrity sha512-<base64:86>=="),
    ("Cargo.lock", 'checksum = "<hex:64>"'),
    ("poetry.lock", '    {file = "stripe-1.0.tar.gz", hash = "sha256:<hex:64>"},'),
    ("a.yml", "image: registry.example.com/app@sha256:<hex:64>"),
    ("a.txt", "commit <hex:40>\nAuthor: A Dev <dev@example.org>"),
    ("a.yml", "- uses: actions/checkout@<hex:40>"),
    ("a.py", 'request_id = "<uuid>"'),
    ("a.json", '{"correlationId": "<uuid>", "tenant": "<uuid>"}'),
    ("a.log", "2026-01-01 12:00:00 INFO heroku router request_id=<uuid> status=200"),
    ("a.md", "![x](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA<base64:200>==)"),
    ("a.css", "background: url(data:font/woff2;base64,d09GMgABAAAAA<base64:300>);"),
    ("a.html", '<input type="password" name="password" id="login_password" placeholder="Password">'),
    ("a.html", '<label for="token">API token</label>'),
    ("fr.json", '{"password": "Mot de passe", "token": "Jeton", "secret": "Cl\\u00e9 secr\\u00e8te"}'),
    ("messages.properties", "login.password=Enter your password\nreset.token=The token is invalid"),
    ("a.py", "def reset_password(self, token: str, password: str) -> None:"),
    ("a.py", 'password = getpass.getpass("Password: ")'),
    ("a.py", 'parser.add_argument("--password", help="the password of the user")'),
    ("a.py", 'PASSWORD_FIELD = "user_password"'),
    ("a.py", 'token_type = "bearer"'),
    ("a.py", 'primary_key = "customer_identifier_number"'),
    ("a.py", "max_tokens = 4096"),
    ("a.py", "key_size = 2048"),
    ("a.ts", "password: string;\n  apiKey?: string;"),
    ("a.ts", "export const TOKEN_KEY = 'auth.token.storage';"),
    ("a.ts", "const secret = await client.getSecret(secretName);"),
    ("A.cs", 'var password = Configuration["Database:Password"];'),
    ("A.kt", "val password = findViewById<EditText>(R.id.password)"),
    ("a.php", "$password = $_POST['password'];"),
    ("a.tf", "  password = var.database_password"),
    ("a.tf", "  secret_id = aws_secretsmanager_secret.database.id"),
    ("a.pem", "-----BEGIN PUBLIC KEY-----\n<base64:64>\n<base64:64>\n-----END PUBLIC KEY-----"),
    ("a.pem", "-----BEGIN CERTIFICATE-----\n<base64:64>\n<base64:64>\n-----END CERTIFICATE-----"),
    ("a.pub", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ<base64:300> user@host"),
    ("known_hosts", "example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI<base64:43>"),
    ("a.yml", "fingerprint: SHA256:<base64:43>"),
    ("a.py", 'PUBLISHABLE = "pk_live_<alnum:24>"'),
    ("a.py", 'url = "https://user@example.com/path"'),
    ("a.py", 'url = "postgres://localhost:5432/app"'),
    ("a.yml", "url: redis://redis:6379/0"),
    ("a.py", 'DATABASE_URL = "postgres://user:password@localhost/app"'),
    ("a.py", 'DATABASE_URL = f"postgres://{user}:{password}@{host}/app"'),
    ("a.py", 'sha1 = "<hex:40>"'),
    ("a.py", 'expected_md5 = "<hex:32>"'),
    ("a.py", 'assert digest == "<hex:64>"'),
    ("test_hash.py", 'self.assertEqual(hasher("test"), "<hex:32>")'),
    ("a.c", "static const uint8_t key[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07 };"),
    ("a.js", 'const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";'),
    ("a.js", "ga('create', 'UA-<digit:8>-1', 'auto');"),
    ("a.js", 'gtm: "GTM-<upalnum:7>",'),
    ("a.json", '{"version": 3, "mappings": "AAAA,SAAS,GAAGA,MAAM,CAACC,KAAK,CAACC<alnum:60>"}'),
    ("a.xml", "<key>CFBundleIdentifier</key>\n<string>com.example.app</string>"),
    ("a.xml", '<string name="password_hint">At least eight characters</string>'),
    ("a.ini", "password_file = /run/secrets/database_password"),
    ("a.conf", "ssl_certificate_key /etc/ssl/private/example.org.key;"),
    ("a.md", "Set `API_TOKEN` to the token from your account settings."),
    ("a.md", "The password must be at least 12 characters long."),
    ("a.md", 'client = Client(api_key="your-api-key")'),
    ("a.md", "export OPENAI_API_KEY=sk-..."),
    ("a.sql", "CREATE USER app WITH PASSWORD :'password';"),
    ("a.sql", "SELECT password FROM users WHERE token = ?;"),
    ("Dockerfile", "ARG TOKEN\nENV TOKEN=$TOKEN"),
    ("a.py", 'twilio_sid = "AC<alnum:12>"'),
    ("a.py", 'name = "npm_install_with_a_very_long_target_name_0"'),
    ("a.py", 'glpat = "glpat-short"'),
    ("a.go", "func (c *Client) GetSecretValueWithContext(ctx context.Context, secretID string) error {"),
    ("a.m", 'NSString *passwordKey = @"kUserPasswordDefaultsKey";'),
    ("a.swift", 'let tokenKey = "com.example.app.authToken"'),
)


def reports(draws: int = 3) -> tuple[int, list[tuple[str, str, str]]]:
    """Return how many texts were tried, and (detector, file name, text) for each that is reported."""
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    tried = 0
    found = []
    for number, (name, form) in enumerate(FORMS):
        for turn in range(draws if "<" in form and ":" in form else 1):
            text = draw(form, f"{number}-{turn}") if "\n+" not in form else form
            tried += 1
            found += [(m.detector.id, name, text) for m in matcher.scan(name, text.encode() + b"\n")[:1]]
    return tried, found


def main() -> None:
    """Print what is reported."""
    tried, found = reports()
    for detector, name, text in found:
        print(f"{detector:32} {name:20} {text[:100]!r}")
    print(f"{len(found)} of {tried} reported ({len(found) / tried:.3f})")


if __name__ == "__main__":
    main()
