package udi

import "fmt"

// Fault says what is wrong with a carrier. Its rules:
//
//	udi-empty, udi-length, udi-character   the text
//	udi-syntax                             the form of the agency
//	udi-element                            an identifier that the agency does not have
//	udi-check                              a check digit, pair or character
//	udi-date                               a date that there is not
//	udi-duplicate                          an element twice, with two values
//	udi-di-missing                         no device identifier
type Fault struct {
	Agency  Agency
	Rule    string
	At      int    // byte of the text, from 0
	Text    string // what was found and expected
	Chinese string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s at character %d: %s", f.Agency, f.At+1, f.Text)
}

func (p *parser) fault(at int, rule, text, chinese string) *Fault {
	return &Fault{Agency: p.code.Agency, Rule: rule, At: at, Text: text, Chinese: chinese}
}
