package ucum

import "strings"

// meant are common spellings of what UCUM writes otherwise.
var meant = map[string]string{
	"mcg": "ug", "cc": "mL", "sec": "s", "hr": "h", "hour": "h", "mins": "min", "minute": "min", "day": "d", "days": "d",
	"week": "wk", "month": "mo", "year": "a", "yr": "a", "y": "a", "mmHg": "mm[Hg]", "cmH2O": "cm[H2O]", "mmH2O": "mm[H2O]",
	"degC": "Cel", "°C": "Cel", "C°": "Cel", "degF": "[degF]", "°F": "[degF]", "lb": "[lb_av]", "lbs": "[lb_av]", "oz": "[oz_av]",
	"in": "[in_i]", "inch": "[in_i]", "ft": "[ft_i]", "IU": "[IU]", "iU": "[iU]", "ppm": "[ppm]", "ppb": "[ppb]", "bpm": "/min",
	"percent": "%", "gm": "g", "gram": "g", "kilogram": "kg", "KG": "kg", "kgs": "kg", "meter": "m", "liter": "L", "ML": "mL",
	"µg": "ug", "µL": "uL", "µmol": "umol", "µm": "um", "pH": "[pH]", "psi": "[psi]", "CFU": "[CFU]", "units": "U", "mEq": "meq",
	"Degree": "deg", "degree": "deg", "°": "deg", "ohm": "Ohm", "Torr": "mm[Hg]", "Hour": "h", "HPF": "[HPF]", "LPF": "[LPF]",
}

// unknown is the error for a word that is no unit, with what may be meant.
func (p *parser) unknown(word, code string) error {
	if p.silent {
		return errSilent
	}
	hint := ""
	switch other := otherCase(code); {
	case meant[word] != "":
		hint = "; write " + meant[word]
	case meant[code] != "":
		hint = "; write " + meant[code]
	case other != "":
		hint = "; case matters: " + other
	case strings.Contains(word, " "):
		hint = "; a unit has no blanks"
	}
	return p.fail("unit %q: %q is no unit of UCUM%s", p.code, word, hint)
}

// otherCase finds the one symbol that differs in case alone.
func otherCase(code string) string {
	found := ""
	for _, candidate := range []string{strings.ToLower(code), strings.ToUpper(code), "[" + code + "]"} {
		if pre, a := symbols().find(candidate); a != nil && pre == nil {
			return candidate
		}
	}
	for known := range symbols().atoms {
		if strings.EqualFold(known, code) && (found == "" || known < found) {
			found = known
		}
	}
	return found
}
