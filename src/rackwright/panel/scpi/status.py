"""The status model of IEEE 488.2 and SCPI-99: registers, their summaries, the status byte.

An event register latches edges of its condition register (through the transition filters) until
it is read. The status byte is computed, never stored. Left out: parallel poll.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["EAV", "MAV", "OPC_BIT", "POWER_ON", "Register", "Status"]

ALL = 0x7FFF          # bit 15 is never used (SCPI-99 20.1)
OPC_BIT, POWER_ON = 1 << 0, 1 << 7           # of the standard event status register
EAV, QUES, MAV, ESB, MSS, OPER = (1 << bit for bit in (2, 3, 4, 5, 6, 7))  # of the status byte


@dataclass
class Register:
    """Condition, event and enable, with filters of rising (`ptr`) and falling (`ntr`) edges."""

    condition: int = 0
    event: int = 0
    enable: int = 0
    ptr: int = ALL
    ntr: int = 0

    def update(self, condition: int) -> None:
        """The condition is now this; edges become events."""
        rising, falling = condition & ~self.condition, self.condition & ~condition
        self.event |= (rising & self.ptr) | (falling & self.ntr)
        self.condition = condition

    def take_event(self) -> int:
        """The events, which reading clears."""
        found, self.event = self.event, 0
        return found

    def preset(self) -> None:
        self.enable, self.ptr, self.ntr = 0, ALL, 0

    @property
    def summary(self) -> bool:
        return bool(self.event & self.enable)


@dataclass
class Status:
    """Everything that one session sees of an instrument's status."""

    operation: Register = field(default_factory=Register)
    questionable: Register = field(default_factory=Register)
    standard: Register = field(default_factory=lambda: Register(event=POWER_ON))
    service_enable: int = 0

    def clear(self) -> None:
        """`*CLS`: events go, enables stay."""
        for register in (self.operation, self.questionable, self.standard):
            register.event = 0

    def byte(self, errors: bool, message: bool) -> int:
        """The status byte with its master summary in bit 6."""
        found = (EAV * errors | MAV * message | QUES * self.questionable.summary
                 | ESB * self.standard.summary | OPER * self.operation.summary)
        return found | MSS * bool(found & self.service_enable & ~MSS)
