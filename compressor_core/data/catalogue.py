"""The catalogue of weaknesses: pairs of snippets with the same intent, one safe and one unsafe.

In a snippet, `$x` and `$y` stand for variables of the host function, `$n` and `$m` for fresh names, `$w` for a word.
Both forms of a pair draw the same names and words, so only the form tells them apart. `Tell` says what gives the
unsafe form away, and so how hard it is to learn: `classroom.MIX` sets how often each kind is drawn.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import StrEnum


class Tell(StrEnum):
    """The difference between the unsafe form of a phrasing and the safe one."""

    TOKEN = "token"
    """A name that only one of the two forms uses."""
    ARGUMENT = "argument"
    """An argument of the same call: what is unsafe here is safe next to another call."""
    FLOW = "flow"
    """The order of statements, or what reaches a call through a variable."""


@dataclass(frozen=True)
class Phrasing:
    """One way to write an intent, in both forms."""

    tell: Tell
    safe: str
    unsafe: str


@dataclass(frozen=True)
class Weakness:
    """An entry of the Common Weakness Enumeration with its phrasings."""

    cwe: str
    title: str
    phrasings: tuple[Phrasing, ...]


def _weakness(entry: str, *phrasings: Phrasing) -> Weakness:
    cwe, title = entry.split(" ", 1)
    return Weakness(cwe, title, phrasings)


_token, _argument, _flow = (functools.partial(Phrasing, tell) for tell in Tell)

CATALOGUE: tuple[Weakness, ...] = (
    _weakness(
        "CWE-22 Path traversal",
        _token(
            "$n = os.path.join('/srv/$w', os.path.basename($x))", "$n = os.path.join('/srv/$w', os.path.normpath($x))"
        ),
        _flow(
            "$n = os.path.realpath($x)\nif not $n.startswith('/srv/$w'):\n    raise ValueError($x)\n$m = open($n)",
            "$n = os.path.realpath($x)\n$m = open($n)\nif not $n.startswith('/srv/$w'):\n    raise ValueError($x)",
        ),
        _argument("$n = send_file($x, root='/srv/$w')", "$n = send_file('/srv/$w', root=$x)"),
    ),
    _weakness(
        "CWE-78 Operating-system command injection",
        _token("subprocess.call(['$w', $x])", "os.system('$w ' + $x)"),
        _argument(
            "$n = subprocess.run(['$w', $x], shell=False, check=True)",
            "$n = subprocess.run('$w ' + $x, shell=True, check=True)",
        ),
        _argument("$n = subprocess.Popen($x, shell=False)", "$n = subprocess.Popen($x, shell=True)"),
        _flow(
            "$n = shlex.quote($x)\n$m = '$w %s' % $n\nsubprocess.check_output($m, shell=True)",
            "$n = shlex.quote($x)\n$m = '$w %s' % $x\nsubprocess.check_output($m, shell=True)",
        ),
    ),
    _weakness(
        "CWE-79 Cross-site scripting",
        _token("$n = '<p>' + html.escape($x) + '</p>'", "$n = '<p>' + str($x) + '</p>'"),
        _argument("$n = Environment(autoescape=True)", "$n = Environment(autoescape=False)"),
        _flow(
            "$n = html.escape($x)\n$m.write('<li>%s</li>' % $n)", "$n = html.escape($x)\n$m.write('<li>%s</li>' % $x)"
        ),
    ),
    _weakness(
        "CWE-89 SQL injection",
        _argument(
            "cursor.execute('SELECT * FROM $w WHERE id = ?', ($x,))",
            "cursor.execute('SELECT * FROM $w WHERE id = %s' % ($x,))",
        ),
        _token(
            "cursor.execute('DELETE FROM $w WHERE name = :name', {'name': $x})",
            "cursor.execute(f\"DELETE FROM $w WHERE name = '{$x}'\")",
        ),
        _flow(
            "$n = 'SELECT name FROM $w WHERE id = ?'\n$m = cursor.execute($n, ($x,))",
            "$n = 'SELECT name FROM $w WHERE id = ' + $x\n$m = cursor.execute($n)",
        ),
    ),
    _weakness(
        "CWE-95 Evaluation of input as code",
        _token("$n = ast.literal_eval($x)", "$n = eval($x)"),
        _token("$n = getattr($x, '$w')", "exec('$n = $x.$w')"),
        _argument("$n = eval('$w', {'__builtins__': {}})", "$n = eval($x, {'__builtins__': __builtins__})"),
    ),
    _weakness(
        "CWE-117 Log injection",
        _token("logger.info('$w %r', $x)", "logger.info('$w ' + $x)"),
        _flow(
            "$n = $x.replace('\\n', ' ')\nlogger.warning('$w: ' + $n)",
            "$n = $x.replace('\\n', ' ')\nlogger.warning('$w: ' + $x)",
        ),
    ),
    _weakness(
        "CWE-295 Certificates are not checked",
        _argument("$n = requests.get($x, verify=True, timeout=10)", "$n = requests.get($x, verify=False, timeout=10)"),
        _token("$n = ssl.create_default_context()", "$n = ssl._create_unverified_context()"),
        _argument(
            "$n.check_hostname = True\n$n.verify_mode = ssl.CERT_REQUIRED",
            "$n.check_hostname = False\n$n.verify_mode = ssl.CERT_NONE",
        ),
    ),
    _weakness(
        "CWE-319 Data sent in clear text",
        _token("$n = urlopen('https://$w.example.com/' + $x)", "$n = urlopen('http://$w.example.com/' + $x)"),
        _token("$n = smtplib.SMTP_SSL($x)", "$n = smtplib.SMTP($x)"),
        _argument("$n.set_cookie('$w', $x, secure=True)", "$n.set_cookie('$w', $x, secure=False)"),
    ),
    _weakness(
        "CWE-327 Broken cryptography",
        _token("$n = hashlib.sha256($x).hexdigest()", "$n = hashlib.md5($x).hexdigest()"),
        _argument("$n = hashlib.sha1($x, usedforsecurity=False)", "$n = hashlib.sha1($x, usedforsecurity=True)"),
        _token("$n = AES.new($x, AES.MODE_GCM)", "$n = AES.new($x, AES.MODE_ECB)"),
    ),
    _weakness(
        "CWE-330 Predictable random values",
        _token("$n = secrets.token_hex(16)", "$n = '%032x' % random.getrandbits(128)"),
        _token("$n = secrets.choice($x)", "$n = random.choice($x)"),
        _token("$n = random.SystemRandom().randbytes(16)", "$n = random.Random($x).randbytes(16)"),
    ),
    _weakness(
        "CWE-362 Shared state changed outside its lock",
        _flow("$n.acquire()\n$m.$w += 1\n$n.release()", "$n.acquire()\n$n.release()\n$m.$w += 1"),
        _flow("with $n.lock:\n    $m['$w'] = $x", "with $n.lock:\n    pass\n$m['$w'] = $x"),
    ),
    _weakness(
        "CWE-377 Insecure temporary file",
        _token("$n, $m = tempfile.mkstemp(suffix='.$w')", "$n = tempfile.mktemp(suffix='.$w')"),
        _token("$n = tempfile.NamedTemporaryFile(prefix='$w')", "$n = open('/tmp/$w', 'w')"),
    ),
    _weakness(
        "CWE-390 Errors swallowed",
        _flow(
            "try:\n    $n = $x.$w()\nexcept Exception:\n    $n = None\n    raise",
            "try:\n    $n = $x.$w()\nexcept Exception:\n    $n = None",
        ),
        _token(
            "try:\n    $n = int($x)\nexcept ValueError:\n    logger.exception('$w')",
            "try:\n    $n = int($x)\nexcept ValueError:\n    pass",
        ),
    ),
    _weakness(
        "CWE-489 Debug mode left on",
        _argument("app.run(host=$x, debug=False)", "app.run(host=$x, debug=True)"),
        _argument("$n.debug = False\n$n.$w = True", "$n.debug = True\n$n.$w = False"),
    ),
    _weakness(
        "CWE-502 Deserialisation of untrusted data",
        _token("$n = json.loads($x)", "$n = pickle.loads($x)"),
        _token("$n = yaml.load($x, Loader=yaml.SafeLoader)", "$n = yaml.load($x, Loader=yaml.Loader)"),
        _argument("$n = numpy.load($x, allow_pickle=False)", "$n = numpy.load($x, allow_pickle=True)"),
        _argument("$n = torch.load($x, weights_only=True)", "$n = torch.load($x, weights_only=False)"),
    ),
    _weakness(
        "CWE-605 Listening on every interface",
        _token("$n.bind(('127.0.0.1', $x))", "$n.bind(('0.0.0.0', $x))"),
        _argument("$n = serve($x, public=False)", "$n = serve($x, public=True)"),
    ),
    _weakness(
        "CWE-732 Permissions too wide",
        _token("os.chmod($x, stat.S_IRUSR)", "os.chmod($x, stat.S_IRWXO)"),
        _token("os.makedirs($x, mode=0o700)", "os.makedirs($x, mode=0o777)"),
    ),
    _weakness(
        "CWE-772 Resource not released",
        _flow("$n = open($x)\n$m = $n.read()\n$n.close()", "$n = open($x)\n$m = $n.read()\n$n.seek(0)"),
        _token("with open($x) as $n:\n    $m = $n.read()", "$n = open($x)\n$m = $n.read()"),
        _flow(
            "$n = socket.create_connection($x)\ntry:\n    $m = $n.recv(64)\nfinally:\n    $n.close()",
            "$n = socket.create_connection($x)\n$m = $n.recv(64)\nif $m:\n    $n.close()",
        ),
    ),
    _weakness(
        "CWE-798 Hard-coded credentials",
        _token("password = os.environ['$w']", "password = '$w'"),
        _argument("$n = connect(user='$w', password=$x)", "$n = connect(user=$x, password='$w')"),
    ),
    _weakness(
        "CWE-1333 Regular expression built from input",
        _token("$n = re.search(re.escape($x), $m)", "$n = re.search(str($x), $m)"),
        _argument("$n = re.compile('$w.*').match($x)", "$n = re.compile($x).match('$w.*')"),
    ),
)
