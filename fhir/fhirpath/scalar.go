package fhirpath

import (
	"strconv"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// system is a type of the namespace System. https://hl7.org/fhirpath/N1/#literals
type system uint8

const (
	sysNone system = iota
	sysBoolean
	sysInteger
	sysDecimal
	sysString
	sysDate
	sysDateTime
	sysTime
	sysQuantity
	sysTypeInfo // the result of type(): str is the qualified name
	sysComplex  // not a scalar: only in static types, for elements with children
)

var systemNames = [...]string{
	"", "Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity", "TypeInfo", "Element",
}

func (s system) String() string { return systemNames[s] }

// systemNamed finds a type by its name without namespace.
func systemNamed(name string) system {
	for s := sysBoolean; s <= sysQuantity; s++ {
		if systemNames[s] == name {
			return s
		}
	}
	return sysNone
}

// scalar is a value of a system type. Values that are computed point to one;
// primitives of a resource are decoded into one on the stack when an operator
// needs them.
type scalar struct {
	kind     system
	calendar bool     // the unit of a quantity is a calendar word, not UCUM
	num      int64    // Boolean (0, 1), Integer
	str      string   // String; unit of a Quantity; name of a TypeInfo
	dec      decimal  // Decimal; value of a Quantity
	tmp      temporal // Date, DateTime, Time
}

// systemOf is the system type that a FHIR type converts to implicitly; sysNone
// when it is no primitive and no Quantity.
// https://hl7.org/fhir/R4/fhirpath.html#types
func systemOf(t *schema.Type) system {
	if t == nil {
		return sysNone
	}
	if t.Kind != schema.Primitive {
		if t.Kind == schema.Complex && t.Is("Quantity") {
			return sysQuantity
		}
		return sysNone
	}
	switch t.Name {
	case "boolean":
		return sysBoolean
	case "integer", "unsignedInt", "positiveInt":
		return sysInteger
	case "decimal":
		return sysDecimal
	case "date":
		return sysDate
	case "dateTime", "instant":
		return sysDateTime
	case "time":
		return sysTime
	}
	return sysString
}

// decode reads a primitive node as that system type. What is not written in the
// type's grammar is read as what JSON says, so that a wrong document compares
// as unequal instead of as something else.
func (s *scalar) decode(n tree.Node, as system) bool {
	var ok bool
	switch n.Kind() {
	case tree.Bool:
		s.kind, s.num = sysBoolean, 0
		if n.Bool() {
			s.num = 1
		}
		return true
	case tree.Number:
		return s.decodeNumber(n.Text(), as)
	case tree.String:
		s.str = n.Str()
	default:
		return false
	}
	switch as {
	case sysDate:
		s.tmp, ok = parseDate(s.str)
	case sysDateTime:
		s.tmp, ok = parseDateTime(s.str)
	case sysTime:
		s.tmp, ok = parseTime(s.str)
	}
	s.kind = sysString
	if ok {
		s.kind = as
	}
	return true
}

func (s *scalar) decodeNumber(text string, as system) bool {
	if as != sysDecimal {
		if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			s.kind, s.num = sysInteger, n
			return true
		}
	}
	var ok bool
	s.dec, ok = parseDecimal(text)
	s.kind = sysDecimal
	return ok
}

// decodeQuantity reads a FHIR Quantity. One with a comparator is no value, and
// one without a value neither. The code is the unit where the system is UCUM.
// https://hl7.org/fhir/R4/fhirpath.html#quantity
func (s *scalar) decodeQuantity(n tree.Node) bool {
	value := n.Field("value")
	if value.Kind() != tree.Number || n.Field("comparator").Exists() {
		return false
	}
	var ok bool
	if s.dec, ok = parseDecimal(value.Text()); !ok {
		return false
	}
	s.kind, s.calendar = sysQuantity, false
	code, unit := n.Field("code").Str(), n.Field("unit").Str()
	switch {
	case code != "" && n.Field("system").Str() == "http://unitsofmeasure.org":
		s.str = code
	case code != "":
		s.str = n.Field("system").Str() + "|" + code // of a system without arithmetic
	default:
		s.str = unit
	}
	if s.str == "" {
		s.str = "1"
	}
	return true
}

// number is the value as a decimal, if it is an Integer or Decimal.
func (s *scalar) number() (decimal, bool) {
	switch s.kind {
	case sysInteger:
		return decimalOf(s.num), true
	case sysDecimal:
		return s.dec, true
	}
	return decimal{}, false
}

// quantity is the value with the implicit conversion of numbers to the unit 1.
func (s *scalar) quantity() (scalar, bool) {
	if s.kind == sysQuantity {
		return *s, true
	}
	d, ok := s.number()
	return scalar{kind: sysQuantity, dec: d, str: "1"}, ok
}

// text is the value as toString() writes it.
// https://hl7.org/fhirpath/N1/#tostring-string
func (s *scalar) text() string {
	switch s.kind {
	case sysBoolean:
		return strconv.FormatBool(s.num != 0)
	case sysInteger:
		return strconv.FormatInt(s.num, 10)
	case sysDecimal:
		return s.dec.String()
	case sysDate, sysTime:
		return s.tmp.String()
	case sysDateTime:
		return s.tmp.String()
	case sysQuantity:
		if s.calendar {
			return s.dec.String() + " " + s.str
		}
		return s.dec.String() + " '" + s.str + "'"
	}
	return s.str
}
