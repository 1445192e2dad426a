package casewalk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Obj is a JSON object, Arr a JSON array: what is written here is what is sent.
type (
	Obj = map[string]any
	Arr = []any
)

const tenon = "urn:tenon:"

func ref(to string) Obj { return Obj{"reference": to} }

func refs(to ...string) Arr {
	list := Arr{}
	for _, r := range to {
		list = append(list, ref(r))
	}
	return list
}

func coded(system, code string) Obj {
	return Obj{"coding": Arr{Obj{"system": tenon + system, "code": code}}}
}

func foreign(system, code string) Obj {
	return Obj{"coding": Arr{Obj{"system": "http://terminology.hl7.org/CodeSystem/" + system, "code": code}}}
}

func text(s string) Obj { return Obj{"text": s} }

func ext(name, kind string, value any) Obj {
	return Obj{"url": tenon + "extension:" + name, kind: value}
}

func quantity(value float64, ucum string) Obj {
	return Obj{"value": value, "unit": ucum, "system": "http://unitsofmeasure.org", "code": ucum}
}

func instant(at time.Time) string { return at.Format("2006-01-02T15:04:05.000000Z07:00") }

func day(at time.Time) string { return at.Format(time.DateOnly) }

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// at walks into JSON by names; an array stands for its first item.
func at(v any, path ...string) any {
	for _, name := range path {
		if list, ok := v.(Arr); ok && len(list) > 0 {
			v = list[0]
		}
		o, ok := v.(Obj)
		if !ok {
			return nil
		}
		v = o[name]
	}
	if list, ok := v.(Arr); ok && len(list) > 0 {
		if s, ok := list[0].(string); ok {
			return s
		}
	}
	return v
}

func str(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

func list(v any, path ...string) []Obj {
	items, _ := at(v, path...).(Arr)
	var all []Obj
	for _, item := range items {
		if o, ok := item.(Obj); ok {
			all = append(all, o)
		}
	}
	return all
}

func decode(body []byte) Obj {
	var o Obj
	if json.Unmarshal(body, &o) != nil {
		return nil
	}
	return o
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own literals
	}
	return b
}
