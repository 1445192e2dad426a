package issue

import (
	"strconv"
	"unicode/utf8"
)

// maxShown is how many bytes of a value a message shows.
const maxShown = 80

// Quote shows a value of any length in a message.
func Quote(s string) string {
	if len(s) > maxShown {
		cut := maxShown
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strconv.Quote(s)
}
