"""Locks of instruments, as VISA has them: one exclusive holder, or several who share a key."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Locks"]


@dataclass
class Locks:
    """The lock of one instrument. Holders are any objects, one a session."""

    exclusive: object | None = None
    key: str = ""
    sharing: list[object] = field(default_factory=list)

    def free_for(self, holder: object) -> bool:
        """Whether this session may command the instrument now."""
        if self.exclusive is not None:
            return self.exclusive is holder
        return not self.sharing or holder in self.sharing

    def take(self, holder: object, key: str = "") -> bool:
        """Take the exclusive lock, or with a key the shared one; whether that worked."""
        if not self.free_for(holder) and (not key or self.exclusive is not None
                                          or key != self.key):
            return False
        if not key:
            if any(one is not holder for one in self.sharing):
                return False
            self.exclusive = holder
            return True
        if self.sharing and key != self.key:
            return False
        self.key = key
        if holder not in self.sharing:
            self.sharing.append(holder)
        return True

    def release(self, holder: object) -> str:
        """Give back one lock: "exclusive", "shared", or "" when there was none."""
        if self.exclusive is holder:
            self.exclusive = None
            return "exclusive"
        if holder in self.sharing:
            self.sharing.remove(holder)
            return "shared"
        return ""

    def drop(self, holder: object) -> None:
        """A session has ended."""
        while self.release(holder):
            pass
