"""The rules for text: what cleaning a question of some 200 code points and making its terms cost, in several scripts.

    python -m bench.text [--rounds 500]

CPU time, the best of ten: other work on the machine only adds to it.
"""

from __future__ import annotations

import argparse
import time

from pulsestage.domain.text import clean_text, visible_length
from pulsestage.domain.words import search_terms

TRIES = 10
LONGEST = 2000
TEXTS = {
    "English": "When does the new office in Berlin open, and will there be enough desks for everybody on Tuesdays? ",
    "Vietnamese": "Khi nào văn phòng mới ở Đà Nẵng mở cửa, và liệu có đủ bàn làm việc cho tất cả mọi người không? ",
    "Hindi": "नया कार्यालय कब खुलेगा और क्या मंगलवार को आने वाले सभी लोगों के लिए पर्याप्त डेस्क होंगे? ",
    "Arabic": "متى سيُفتح المكتب الجديد في برلين، وهل سيكون هناك ما يكفي من المكاتب يوم الثلاثاء؟ ",
    "Thai": "สำนักงานใหม่จะเปิดเมื่อไรและจะมีโต๊ะเพียงพอสำหรับทุกคนที่ต้องการมาในวันอังคารหรือไม่ ",
    "Japanese": "新しいオフィスはいつ開きますか。火曜日に来たい人全員に十分な机がありますか。 ",
    "Emoji": "👩‍👩‍👧 🎉👍🏽❤️ ",
    "Mixed": "Łódź किताब ภาษาไทย 新しい 사무실은 متى يفتح Đà Nẵng עליכם தமிழ் বাংলা ខ្មែរ မြန်မာ ລາວ İst 👩‍👩‍👧 🎉 Где? ",
}


def cost(text: str, rounds: int) -> tuple[float, float]:
    """Microseconds of CPU time: for cleaning, which includes the length, and for the terms."""
    best = [float("inf"), float("inf")]
    for _ in range(TRIES):
        for place, work in enumerate(
            (lambda: clean_text("body", text, shortest=1, longest=LONGEST), lambda: search_terms(text))
        ):
            began = time.process_time()
            for _ in range(rounds):
                work()
            best[place] = min(best[place], (time.process_time() - began) / rounds * 1e6)
    return best[0], best[1]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    rounds = parser.parse_args().rounds
    print("| script | code points | visible | terms | cleaning, µs | terms, µs | together, µs |")
    print("|---|---|---|---|---|---|---|")
    for script, sample in TEXTS.items():
        text = clean_text("body", (sample * 20)[:200], shortest=1, longest=LONGEST)
        cleaning, terms = cost(text, rounds)
        counts = f"{len(text)} | {visible_length(text)} | {len(search_terms(text))}"
        print(f"| {script} | {counts} | {cleaning:.0f} | {terms:.0f} | {cleaning + terms:.0f} |")


if __name__ == "__main__":
    main()
