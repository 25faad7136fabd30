"""What a run was to reach: a word for each figure that has an aim, and at the end which were missed."""

from dataclasses import dataclass, field


@dataclass
class Aims:
    """The figures of one run that have an aim: how many were judged, and the names of those that were missed."""

    judged: int = 0
    missed: list[str] = field(default_factory=list)

    def judge(self, name: str, is_met: bool) -> str:
        """The word beside a figure; what is missed is told again at the end."""
        self.judged += 1
        if not is_met:
            self.missed.append(name)
        return "met" if is_met else "MISSED"

    def sum_up(self) -> int:
        """Print what was missed; the command's exit status, 1 where anything was."""
        print(f"\nMissed: {', '.join(self.missed) or 'nothing'} ({self.judged} figures have an aim).")
        return 1 if self.missed else 0
