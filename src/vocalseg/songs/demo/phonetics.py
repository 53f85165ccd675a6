"""Parameters of the vocal tract for vowels and consonants."""

from dataclasses import dataclass

# First three formants in Hz, men's averages (Peterson & Barney 1952, table II).
VOWELS = {
    "i": (270, 2290, 3010),
    "I": (390, 1990, 2550),
    "e": (530, 1840, 2480),
    "ae": (660, 1720, 2410),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "U": (440, 1020, 2240),
    "u": (300, 870, 2240),
    "A": (640, 1190, 2390),
    "r": (490, 1350, 1690),
}

# Most sung syllables have one vowel; these have two.
DIPHTHONGS = (("a", "I"), ("e", "I"), ("o", "U"), ("a", "U"), ("o", "I"))


@dataclass(frozen=True)
class Phone:
    """One steady state of the vocal tract.

    Attributes
    ----------
    seconds : float
        Duration.
    voicing, aspiration, friction : float, in [0, 1]
        Amplitudes relative to a vowel.
    formants : tuple of float
        F1 to F3 in Hz: the locus towards which the neighbouring vowels bend.
    centre, octaves : float
        Centre in Hz and standard deviation in octaves of the band of the friction noise.
    """

    seconds: float
    voicing: float = 0.0
    aspiration: float = 0.0
    friction: float = 0.0
    formants: tuple[float, float, float] = (500, 1500, 2500)
    centre: float = 4000.0
    octaves: float = 0.5


_LIP, _TEETH, _PALATE = (250, 800, 2200), (250, 1750, 2650), (250, 2200, 2700)

# Durations, bands and loci have the orders of magnitude of Klatt (1980), table III.
CONSONANTS = {
    "": (),
    "s": (Phone(0.11, friction=0.9, formants=_TEETH, centre=7500, octaves=0.4),),
    "sh": (Phone(0.11, friction=0.9, formants=_PALATE, centre=3600, octaves=0.45),),
    "f": (Phone(0.09, friction=0.3, formants=_LIP, centre=6000, octaves=1.3),),
    "h": (Phone(0.07, aspiration=0.8),),
    "z": (Phone(0.08, voicing=0.3, friction=0.45, formants=_TEETH, centre=7000, octaves=0.4),),
    "v": (Phone(0.06, voicing=0.35, friction=0.12, formants=_LIP, centre=5000, octaves=1.3),),
    "p": (Phone(0.07), Phone(0.015, friction=0.4, formants=_LIP, centre=1200, octaves=1.2),
          Phone(0.025, aspiration=0.6, formants=_LIP)),
    "t": (Phone(0.06), Phone(0.020, friction=0.8, formants=_TEETH, centre=5000, octaves=0.7),
          Phone(0.025, aspiration=0.6, formants=_TEETH)),
    "k": (Phone(0.06), Phone(0.025, friction=0.7, formants=_PALATE, centre=2200, octaves=0.5),
          Phone(0.030, aspiration=0.6, formants=_PALATE)),
    "b": (Phone(0.05, voicing=0.12, formants=_LIP),
          Phone(0.010, voicing=0.3, friction=0.25, formants=_LIP, centre=1000, octaves=1.0)),
    "d": (Phone(0.05, voicing=0.12, formants=_TEETH),
          Phone(0.012, voicing=0.3, friction=0.4, formants=_TEETH, centre=4500, octaves=0.7)),
    "g": (Phone(0.05, voicing=0.12, formants=_PALATE),
          Phone(0.018, voicing=0.3, friction=0.4, formants=_PALATE, centre=2000, octaves=0.5)),
    "m": (Phone(0.08, voicing=0.40, formants=(260, 1000, 2200)),),
    "n": (Phone(0.07, voicing=0.40, formants=(260, 1500, 2500)),),
    "l": (Phone(0.07, voicing=0.55, formants=(340, 1050, 2800)),),
    "r": (Phone(0.07, voicing=0.60, formants=(330, 1150, 1500)),),
    "w": (Phone(0.07, voicing=0.55, formants=(290, 650, 2150)),),
    "y": (Phone(0.06, voicing=0.55, formants=(270, 2250, 3000)),),
}

BREATH = Phone(0.28, aspiration=0.45, formants=(600, 1500, 2600))

ONSETS = tuple(CONSONANTS)
CODAS = ("", "", "", "", "n", "m", "s", "t", "d", "l")
