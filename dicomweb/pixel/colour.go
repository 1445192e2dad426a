package pixel

import "image/color"

// toRGB converts a colour of YBR_FULL (PS3.3 C.7.6.3.1.2, which is that of JFIF).
func toRGB(y, cb, cr byte) (r, g, b byte) { return color.YCbCrToRGB(y, cb, cr) }
