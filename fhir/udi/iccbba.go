package udi

// ISBT 128 Standard Technical Specification, and the forms of US FDA,
// "UDI formats by FDA-accredited issuing agency".

import "strings"

// isbt are the data structures of a device: identifier, length of the value, and
// what it is.
var isbt = []struct {
	name string
	size int
	what byte // D device, S serial, L lot, X expiry, M made, N donation
}{
	{"=/", 16, 'D'}, // processor product identification code
	{"=)", 10, 'D'}, // container of blood: maker and catalogue number
	{"=,", 6, 'S'},
	{"&,1", 18, 'L'},
	{"&)", 10, 'L'}, // lot of a container
	{"=>", 6, 'X'},
	{"=}", 6, 'M'},
	{"=", 15, 'N'}, // donation identification number with two flags
}

func (p *parser) iccbba() error {
	for at := 0; at < len(p.text); {
		rest := p.text[at:]
		found := false
		for _, d := range isbt {
			if !strings.HasPrefix(rest, d.name) {
				continue
			}
			from := at + len(d.name)
			if len(rest) < len(d.name)+d.size {
				return p.fault(from, "udi-length", d.name+" holds "+itoa(d.size)+" characters, found "+itoa(len(rest)-len(d.name)), d.name+" 的长度不符")
			}
			if err := p.isbtElement(d.name, d.what, p.text[from:from+d.size], from); err != nil {
				return err
			}
			at, found = from+d.size, true
			break
		}
		if !found {
			return p.fault(at, "udi-element", "found no data identifier of ISBT 128 for devices", "此处没有 ISBT 128 数据标识符")
		}
	}
	return nil
}

func (p *parser) isbtElement(name string, what byte, value string, at int) error {
	for i := range len(value) {
		if c := value[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return p.fault(at+i, "udi-character", name+" holds digits and capital letters, found "+quoted(c), name+" 只含数字与大写字母")
		}
	}
	var err error
	switch what {
	case 'D':
		p.code.DI = value
	case 'S':
		p.code.Serial = value
	case 'L':
		p.code.Lot = strings.TrimLeft(value, "0")
	case 'X':
		p.code.Expires, err = p.isbtDate(value, at)
	case 'M':
		p.code.Made, err = p.isbtDate(value, at)
	}
	if err != nil {
		return err
	}
	return p.add(name, value, at)
}

// isbtDate reads cYYJJJ: the last digit of the century, year and day of the year.
func (p *parser) isbtDate(value string, at int) (string, error) {
	if number(value) < 0 {
		return "", p.fault(at, "udi-date", "a date is six digits, cYYJJJ", "日期应为 cYYJJJ")
	}
	year := 2000 + number(value[:3])
	if value[0] == '9' { // 1900 to 1999
		year -= 1000
	}
	return p.julian(year, value[3:], at)
}
