"""How the same thing is said wherever it is said: so many of something."""


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
