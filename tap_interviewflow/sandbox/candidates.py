"""Made-up candidates: as many as wanted, the same ones every time, none of them real."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Candidate: TypeAlias = dict[str, Any]

# How given and family name are joined, then both in the own script and as they stand in an e-mail address.
SCRIPTS = (
    (" ", "Zoë/zoe Jürgen/juergen Łucja/lucja Åsa/asa", "Novák/novak Çelik/celik Muñoz/munoz Dąbek/dabek"),
    (" ", "Grace/grace Liam/liam Ngozi/ngozi Marek/marek", "Field/field Okoro/okoro Silva/silva"),
    (" ", "Борис/boris Дарья/darya Юлия/yuliya", "Зимин/zimin Шевченко/shevchenko Жук/zhuk"),
    (" ", "ليلى/layla يوسف/yusuf مريم/maryam", "الحداد/alhaddad منصور/mansour"),
    ("", "王/wang 陈/chen 李/li", "小明/xiaoming 秀英/xiuying 伟/wei"),
    (" ", "अनिता/anita रोहन/rohan मीरा/meera", "शर्मा/sharma पटेल/patel"),
    (" ", "Noa/noa Theo/theo", "Ray🌟/ray Bloom🌷/bloom"),
)
NAMES = tuple(
    (f"{given}{joint}{family}", f"{given_latin}.{family_latin}")
    for joint, givens, families in SCRIPTS
    for given, given_latin in (pair.split("/") for pair in givens.split(" "))
    for family, family_latin in (pair.split("/") for pair in families.split(" "))
)
STATUSES = ("draft", "shortlisted", "interviewed", "hired", "rejected")
SKILLS = ("Python", "SQL", "Gesprächsführung", "Kubernetes", "数据分析", "Accounting", "C++", "Négociation")
CITIES = ("Berlin", "São Paulo", "北京", "Kraków", "मुंबई", "القاهرة", "Nairobi", "Київ")
ANSWERS = ("Yes, from the first of next month.", "Not yet, I would need to ask.", "Ja, sehr gern.", "是的。")
SUMMARIES = (
    "Clear, structured answers; asked good questions about the team.",
    "Strong on the fundamentals, short on examples from practice.",
    'Thoughtful and calm; hesitated on "system design".',
)
STRENGTHS = ("communication", "ownership", "curiosity", "teamwork", "precision")
_FIRST_DAY = dt.datetime(2024, 1, 1)  # noqa: DTZ001 - UTC throughout; a zone would have to be cut off each text
_MILLISECOND = dt.timedelta(milliseconds=1)


def made_up(interviewer: str, index: int, *, seed: int = 0) -> Candidate:
    """Make up the candidate at this index of the list: the same one each time; another seed makes up others."""
    dice = hashlib.blake2b(f"{seed}/{interviewer}/{index}".encode()).digest()
    name, address = NAMES[dice[0] % len(NAMES)]
    created = _FIRST_DAY + int.from_bytes(dice[1:5]) % (600 * 86_400_000) * _MILLISECOND
    interviewed = created + int.from_bytes(dice[5:8]) * 100 * _MILLISECOND
    updated = interviewed + int.from_bytes(dice[8:11]) * _MILLISECOND
    met = dice[11] % 4 > 0
    fields: Candidate = {"City": CITIES[dice[12] % 8], "Manual Score": dice[13] % 101}
    if dice[14] % 8:
        fields["isSynced"] = "true" if dice[14] % 8 == 1 else dice[14] % 2 == 0
    return {
        "id": str(uuid.UUID(bytes=dice[-16:], version=4)),
        "jobId": interviewer,
        "name": name,
        "email": f"{address}.{index + 1}@example.com",
        "status": STATUSES[dice[15] % 5],
        "createdAt": _time(created),
        "updatedAt": _time(updated),
        "skills": [SKILLS[die % 8] for die in dice[16 : 17 + dice[16] % 3]],
        "resumeUrl": f"https://example.com/resumes/{address}-{index + 1}.pdf",
        "customQuestions": [
            {"question": "Could you start within a month?", "answer": ANSWERS[dice[20] % 4]},
            {"question": "Years of experience?", "answer": str(dice[21] % 30)},
        ],
        "additionalFields": fields,
        "metadata": {"externalId": f"ATS-{dice[22:26].hex()}", "phone": f"+1-202-555-01{dice[26] % 100:02}"},
        "score": int.from_bytes(dice[27:29]) % 10_000 / 100,
        "trustScore": dice[29] % 101,
        "report": {
            "summary": SUMMARIES[dice[30] % 3],
            "strengths": [STRENGTHS[dice[31] % 5], STRENGTHS[(dice[31] + 1) % 5]],
            "scores": {"communication": dice[32] % 101, "expertise": dice[33] % 1001 / 10},
        },
        "interviewedAt": _time(interviewed) if met else None,
        "durationSeconds": 300 + int.from_bytes(dice[34:36]) % 3300 if met else None,
    }


def _time(moment: dt.datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def matches(candidate: Mapping[str, Any], wanted: Mapping[str, object]) -> bool:
    """Whether all these custom fields are as wanted: a number at least that high, anything else the same."""
    held = candidate.get("additionalFields")
    return not wanted or (
        isinstance(held, dict) and all(name in held and _fits(held[name], want) for name, want in wanted.items())
    )


def _fits(value: object, want: object) -> bool:
    if isinstance(want, bool) or not isinstance(want, int | float):
        return type(value) is type(want) and value == want
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= want
