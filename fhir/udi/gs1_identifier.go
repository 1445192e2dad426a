package udi

import (
	"strconv"
	"strings"
)

// aiRule is the format of an application identifier: GS1 General Specifications,
// figure 3.2-1. kind: n digits, x characters of set 82, d a date YYMMDD and what
// follows it. The first check characters end with a check digit.
type aiRule struct {
	from, to string // identifiers of this format, and of this length
	kind     byte
	min, max int
	check    int
	digits   int // so many characters at the beginning are digits
}

var aiRules = []aiRule{
	{from: "00", to: "00", kind: 'n', min: 18, max: 18, check: 18},
	{from: "01", to: "03", kind: 'n', min: 14, max: 14, check: 14},
	{from: "10", to: "10", kind: 'x', min: 1, max: 20},
	{from: "11", to: "13", kind: 'd', min: 6, max: 6},
	{from: "15", to: "17", kind: 'd', min: 6, max: 6},
	{from: "20", to: "20", kind: 'n', min: 2, max: 2},
	{from: "21", to: "22", kind: 'x', min: 1, max: 20},
	{from: "235", to: "235", kind: 'x', min: 1, max: 28},
	{from: "240", to: "241", kind: 'x', min: 1, max: 30},
	{from: "242", to: "242", kind: 'n', min: 1, max: 6},
	{from: "243", to: "243", kind: 'x', min: 1, max: 20},
	{from: "250", to: "251", kind: 'x', min: 1, max: 30},
	{from: "253", to: "253", kind: 'x', min: 13, max: 30, check: 13, digits: 13},
	{from: "254", to: "254", kind: 'x', min: 1, max: 20},
	{from: "255", to: "255", kind: 'n', min: 13, max: 25, check: 13},
	{from: "30", to: "30", kind: 'n', min: 1, max: 8},
	{from: "3100", to: "3165", kind: 'n', min: 6, max: 6},
	{from: "3200", to: "3375", kind: 'n', min: 6, max: 6},
	{from: "3400", to: "3575", kind: 'n', min: 6, max: 6},
	{from: "3600", to: "3695", kind: 'n', min: 6, max: 6},
	{from: "37", to: "37", kind: 'n', min: 1, max: 8},
	{from: "3900", to: "3909", kind: 'n', min: 1, max: 15},
	{from: "3910", to: "3919", kind: 'n', min: 4, max: 18},
	{from: "3920", to: "3929", kind: 'n', min: 1, max: 15},
	{from: "3930", to: "3939", kind: 'n', min: 4, max: 18},
	{from: "3940", to: "3943", kind: 'n', min: 4, max: 4},
	{from: "3950", to: "3955", kind: 'n', min: 6, max: 6},
	{from: "400", to: "401", kind: 'x', min: 1, max: 30},
	{from: "402", to: "402", kind: 'n', min: 17, max: 17, check: 17},
	{from: "403", to: "403", kind: 'x', min: 1, max: 30},
	{from: "410", to: "417", kind: 'n', min: 13, max: 13, check: 13},
	{from: "420", to: "420", kind: 'x', min: 1, max: 20},
	{from: "421", to: "421", kind: 'x', min: 4, max: 12, digits: 3},
	{from: "422", to: "422", kind: 'n', min: 3, max: 3},
	{from: "423", to: "423", kind: 'n', min: 3, max: 15},
	{from: "424", to: "424", kind: 'n', min: 3, max: 3},
	{from: "425", to: "425", kind: 'n', min: 3, max: 15},
	{from: "426", to: "426", kind: 'n', min: 3, max: 3},
	{from: "427", to: "427", kind: 'x', min: 1, max: 3},
	{from: "4300", to: "4333", kind: 'x', min: 1, max: 70},
	{from: "7001", to: "7001", kind: 'n', min: 13, max: 13},
	{from: "7002", to: "7002", kind: 'x', min: 1, max: 30},
	{from: "7003", to: "7003", kind: 'd', min: 10, max: 10},
	{from: "7004", to: "7004", kind: 'n', min: 1, max: 4},
	{from: "7005", to: "7005", kind: 'x', min: 1, max: 12},
	{from: "7006", to: "7006", kind: 'd', min: 6, max: 6},
	{from: "7007", to: "7007", kind: 'n', min: 6, max: 12},
	{from: "7008", to: "7008", kind: 'x', min: 1, max: 3},
	{from: "7009", to: "7009", kind: 'x', min: 1, max: 10},
	{from: "7010", to: "7010", kind: 'x', min: 1, max: 2},
	{from: "7011", to: "7011", kind: 'n', min: 6, max: 10},
	{from: "7020", to: "7022", kind: 'x', min: 1, max: 20},
	{from: "7023", to: "7023", kind: 'x', min: 1, max: 30},
	{from: "7030", to: "7039", kind: 'x', min: 4, max: 30, digits: 3},
	{from: "7040", to: "7040", kind: 'x', min: 4, max: 4, digits: 1},
	{from: "710", to: "717", kind: 'x', min: 1, max: 20},
	{from: "7230", to: "7239", kind: 'x', min: 3, max: 30},
	{from: "7240", to: "7240", kind: 'x', min: 1, max: 20},
	{from: "7241", to: "7241", kind: 'n', min: 2, max: 2},
	{from: "7242", to: "7242", kind: 'x', min: 1, max: 25},
	{from: "7250", to: "7250", kind: 'n', min: 8, max: 8},
	{from: "7251", to: "7251", kind: 'n', min: 12, max: 12},
	{from: "7252", to: "7252", kind: 'n', min: 1, max: 1},
	{from: "7253", to: "7254", kind: 'x', min: 1, max: 40},
	{from: "7255", to: "7255", kind: 'x', min: 1, max: 10},
	{from: "7256", to: "7256", kind: 'x', min: 1, max: 90},
	{from: "7257", to: "7257", kind: 'x', min: 1, max: 70},
	{from: "7258", to: "7258", kind: 'x', min: 3, max: 3},
	{from: "7259", to: "7259", kind: 'x', min: 1, max: 40},
	{from: "8001", to: "8001", kind: 'n', min: 14, max: 14},
	{from: "8002", to: "8002", kind: 'x', min: 1, max: 20},
	{from: "8003", to: "8003", kind: 'x', min: 14, max: 30, check: 14, digits: 14},
	{from: "8004", to: "8004", kind: 'x', min: 1, max: 30},
	{from: "8005", to: "8005", kind: 'n', min: 6, max: 6},
	{from: "8006", to: "8006", kind: 'n', min: 18, max: 18, check: 14},
	{from: "8007", to: "8007", kind: 'x', min: 1, max: 34},
	{from: "8008", to: "8008", kind: 'd', min: 8, max: 12},
	{from: "8009", to: "8009", kind: 'x', min: 1, max: 50},
	{from: "8010", to: "8010", kind: 'x', min: 1, max: 30},
	{from: "8011", to: "8011", kind: 'n', min: 1, max: 12},
	{from: "8012", to: "8012", kind: 'x', min: 1, max: 20},
	{from: "8013", to: "8014", kind: 'x', min: 1, max: 25},
	{from: "8017", to: "8018", kind: 'n', min: 18, max: 18, check: 18},
	{from: "8019", to: "8019", kind: 'n', min: 1, max: 10},
	{from: "8020", to: "8020", kind: 'x', min: 1, max: 25},
	{from: "8026", to: "8026", kind: 'n', min: 18, max: 18, check: 14},
	{from: "8110", to: "8110", kind: 'x', min: 1, max: 70},
	{from: "8111", to: "8111", kind: 'n', min: 4, max: 4},
	{from: "8112", to: "8112", kind: 'x', min: 1, max: 70},
	{from: "8200", to: "8200", kind: 'x', min: 1, max: 70},
	{from: "90", to: "90", kind: 'x', min: 1, max: 30},
	{from: "91", to: "99", kind: 'x', min: 1, max: 90},
}

// identifier is the rule of the application identifier with which a text begins;
// no identifier is the beginning of another.
func identifier(text string) *aiRule {
	for i := range aiRules {
		r := &aiRules[i]
		n := len(r.from)
		if len(text) >= n && text[:n] >= r.from && text[:n] <= r.to && number(text[:n]) >= 0 {
			return r
		}
	}
	return nil
}

func (r *aiRule) ai(text string) string { return text[:len(r.from)] }

// predefined tells whether an element's length is fixed by its first two digits,
// so that no FNC1 ends it: figure 7.8.5-2.
func predefined(ai string) bool {
	switch two := ai[:2]; {
	case two <= "04", two >= "11" && two <= "20", two >= "31" && two <= "36", two == "41":
		return true
	}
	return false
}

// set82 is GS1 General Specifications figure 7.11-1, in the order of the values
// that check pairs use.
const set82 = `!"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz`

// stranger is the place of the first character that the format does not have, or
// -1.
func (r *aiRule) stranger(value string) int {
	for i := range len(value) {
		c := value[i]
		if digit := c >= '0' && c <= '9'; (r.kind != 'x' || i < r.digits) && !digit || strings.IndexByte(set82, c) < 0 {
			return i
		}
	}
	return -1
}

func (r *aiRule) extent() string {
	what := map[byte]string{'n': " digits", 'd': " digits", 'x': " characters"}[r.kind]
	if r.min == r.max {
		return itoa(r.min) + what
	}
	return itoa(r.min) + " to " + itoa(r.max) + what
}

func itoa(n int) string { return strconv.Itoa(n) }

func quoted(c byte) string { return strconv.QuoteRune(rune(c)) }
