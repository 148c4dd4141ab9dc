"""Code as people of several languages write it, for every door by which code comes in."""

from __future__ import annotations

from typing import Final

GERMAN: Final = (
    "def größe_prüfen(straße: str) -> int:\n"
    '    """Zählt die Buchstaben, auch ÄÖÜ und ß."""\n'
    "    übrig = len(straße)  # höchstens 30\n"
    "    return übrig\n"
)
CHINESE: Final = (
    "def 计算长度(文本: str) -> int:\n"
    '    """返回文本的长度。"""\n'
    "    结果 = len(文本)  # 汉字也算一个字符\n"
    "    return 结果\n"
)
ENGLISH: Final = (
    "def naïve_café(text: str) -> str:\n"
    '    """Says “hello” – with 🎉👩‍👩‍👧 and a caf\u0065\u0301 (combining)."""\n'
    "    return text + '€ \u202eright to left\u202c \u200d'\n"
)
C: Final = (
    "int fläche(int höhe, int 宽度) {\n"
    "    /* größer als 0: 面积 🎉 */\n"
    '    char *s = "Maß";\n'
    "    return höhe * 宽度;\n"
    "}\n"
)
SAMPLES: Final = {"german": GERMAN, "chinese": CHINESE, "english": ENGLISH, "c": C}
