"""Who is in which room.

Owns the dealing: everybody gets as many rooms as everybody else, and of each room's members as many are on one hub
as on another. Pure and seeded.
"""

from __future__ import annotations

from collections import deque
from random import Random


class _Deck:
    """The people of one hub, each as often as any other."""

    def __init__(self, people: range, random: Random) -> None:
        self._people = people
        self._random = random
        self._cards: deque[int] = deque()

    def draw(self, room: list[int]) -> int:
        """Somebody who is not in the room yet."""
        for _ in range(len(self._people) + len(self._cards)):
            if not self._cards:
                shuffled = list(self._people)
                self._random.shuffle(shuffled)
                self._cards.extend(shuffled)
            card = self._cards.popleft()
            if card not in room:
                return card
            self._cards.append(card)
        raise ValueError("a room has more members than there are people on one hub")


def deal(people: int, rooms: int, members: int, hubs: int, random: Random) -> list[list[int]]:
    """The members of each room. Person `p` is on hub `p % hubs`; a room's first member is on any."""
    decks = [_Deck(range(hub, people, hubs), random) for hub in range(hubs)]
    dealt: list[list[int]] = []
    for number in range(rooms):
        room: list[int] = []
        for place in range(members):
            room.append(decks[(number + place) % hubs].draw(room))
        dealt.append(room)
    return dealt
