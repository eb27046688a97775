# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task that changes something, killed with SIGKILL at each write and after each answer, and run again."""

from __future__ import annotations

from matrix_faults import Judge
from matrix_more_scenes import SCENES
from matrix_scenes import Scene
from unit_killing import MOST_POINTS, run_and_die

# The n-th point of each scene that "make test" kills at.
SAMPLED = (1, 4, 7)


def killed_at(judge: Judge, scene: Scene, at: int) -> tuple[list[str], str]:
    """Kill a scene at one point and run it again: the same end, nothing lost and nothing twice.

    Returns the points that it came to, and what has to be said of it: empty, or that Apple's one download was lost.
    """
    clean = judge.end_of(scene)
    scene.prepare(judge.place)
    points = run_and_die(lambda: scene.run(judge.place, {}), at)
    return points, judge.again(f"{scene.name}, killed at {points[-1:]}", scene, clean)


def whole(judge: Judge, scene: Scene) -> tuple[int, list[str]]:
    """Kill at every point there is; return how many there are, and those after which a key was lost."""
    lost: list[str] = []
    for at in range(MOST_POINTS):
        points, word = killed_at(judge, scene, at)
        if len(points) <= at:
            return at, lost
        lost += [points[-1]] if word else []
    raise AssertionError("this has no end")


def sample() -> list[tuple[Scene, int]]:
    """Return the scenes and points of every run of the tests."""
    return [(scene, at) for scene in SCENES if scene.changes for at in SAMPLED]
