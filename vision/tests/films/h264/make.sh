#!/bin/sh
# Films of a moving pattern, and what FFmpeg decodes from them (made with 9.0.2): sh make.sh path/to/ffmpeg
set -e
run() { "$FFMPEG" -hide_banner -loglevel error -y "$@"; }
FFMPEG=$1
pattern="testsrc2=size=46x34:rate=30:duration=0.4"
run -f lavfi -i "$pattern" -pix_fmt yuv420p -c:v libx264 -profile:v high -bf 3 -crf 24 ordered.mp4
run -f lavfi -i "$pattern" -pix_fmt yuv420p -c:v libx264 -profile:v baseline -crf 24 -movflags +faststart baseline.mp4
run -f lavfi -i "$pattern" -pix_fmt yuv420p -vf "select='not(eq(mod(n,4),2))'" -fps_mode vfr -c:v libx264 -bf 2 -crf 24 uneven.mp4
run -display_rotation 90 -i uneven.mp4 -c copy turned.mp4
run -f lavfi -i "$pattern" -pix_fmt yuv422p10le -c:v libx264 -bf 1 -crf 24 ten_bits.mp4
for film in ordered baseline uneven turned ten_bits; do
    run -i $film.mp4 -fps_mode passthrough -strict -1 $film.y4m
done
