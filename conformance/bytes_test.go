package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// without cuts members out of an object, each with the comma and the white
// space before it, and keeps every other byte. It reads with the standard
// library, not with the parser under test.
func without(object []byte, names ...string) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("not an object: %v %w", t, err)
	}
	var out []byte
	kept, first := int64(0), true
	for d.More() {
		start := d.InputOffset() // before the comma, white space and name
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if !slices.Contains(names, name.(string)) {
			first = false
			continue
		}
		end := d.InputOffset()
		if first { // the comma that follows goes instead
			i := bytes.IndexByte(object[end:], ',')
			if i < 0 {
				i = -1
			}
			end += int64(i) + 1
		}
		out = append(out, object[kept:start]...)
		kept = end
	}
	return append(out, object[kept:]...), nil
}

func TestWithout(t *testing.T) {
	for in, want := range map[string]string{
		`{"resourceType":"A","id":"1","x":1.00}`:                       `{"resourceType":"A","x":1.00}`,
		"{\n  \"resourceType\" : \"A\",\n  \"meta\" : {},\n  \"x\":1}": "{\n  \"resourceType\" : \"A\",\n  \"x\":1}",
		`{"id":"1", "x":{"id":"2"}}`:                                   `{ "x":{"id":"2"}}`,
		`{"x":[1 , 2],"meta":{"a":"}"}}`:                               `{"x":[1 , 2]}`,
		`{}`:                                                           `{}`,
	} {
		if got, err := without([]byte(in), "id", "meta"); err != nil || string(got) != want {
			t.Errorf("without(%s) = %s %v, want %s", in, got, err, want)
		}
	}
}
