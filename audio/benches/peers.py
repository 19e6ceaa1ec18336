"""The same work as `audio.rs` in the tools that the field uses, on the file that it wrote."""

import pathlib
import sys
import warnings

import numpy as np
import soundfile
from serve import serve

warnings.filterwarnings("ignore")
# this interpreter lives in <target>/peers/audio
X, RATE = soundfile.read(pathlib.Path(sys.prefix).parents[1] / "bench" / "audio-input.wav", dtype="float32")


def mfcc():
    import librosa

    return lambda: librosa.feature.mfcc(y=X, sr=RATE, n_mfcc=13, n_fft=512, hop_length=160, n_mels=40)


def yin():
    import librosa

    return lambda: librosa.yin(X, fmin=65, fmax=600, sr=RATE, frame_length=1024, hop_length=160)


def _sound():
    import parselmouth

    return parselmouth.Sound(X.astype(np.float64), RATE)


def pitch():
    from parselmouth.praat import call

    sound = _sound()
    return lambda: call(sound, "To Pitch (ac)", 0.0, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 600)


def voice_quality():
    from parselmouth.praat import call

    sound = _sound()
    rule = (0, 0, 1e-4, 0.02, 1.3)

    def work():
        contour = call(sound, "To Pitch (ac)", 0.0, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 600)
        points = call([sound, contour], "To PointProcess (cc)")
        for name in ("local", "local, absolute", "rap", "ppq5", "ddp"):
            call(points, f"Get jitter ({name})", *rule)
        for name in ("local", "local_dB", "apq3", "apq5", "apq11", "dda"):
            call([sound, points], f"Get shimmer ({name})", *rule, 1.6)

    return work


def harmonicity():
    sound = _sound()
    return lambda: sound.to_harmonicity_cc(0.01, 75, 0.1, 1.0)


def intensity():
    from parselmouth.praat import call

    sound = _sound()
    return lambda: call(sound, "To Intensity", 100, 0.0, "yes")


def loudness():
    import pyloudnorm

    x = X.astype(np.float64)
    meter = pyloudnorm.Meter(RATE, filter_class="DeMan")
    return lambda: meter.integrated_loudness(x)


def egemaps():
    import opensmile

    smile = opensmile.Smile(
        opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.LowLevelDescriptors, num_workers=1
    )
    return lambda: smile.process_signal(X, RATE)


serve(globals())
