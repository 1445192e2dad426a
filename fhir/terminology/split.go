package terminology

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// SplitCodeSystem reads a CodeSystem resource of any length as a stream and
// calls visit for each concept, until it returns an error, and returns that.
// Children come before the concept that holds them and name it as their parent.
// The header is the resource without its concepts. Visit keeps nothing of the
// concept.
//
// The errors are *issue.Failure. Memory is bounded: a concept without those
// inside it, and the header, may take 4 MiB each.
func SplitCodeSystem(r io.Reader, visit func(*Concept) error) (header []byte, err error) {
	in := &partReader{r: r, left: maxPart}
	s := &splitter{dec: json.NewDecoder(in), in: in, visit: visit}
	s.dec.UseNumber()
	header, err = s.resource()
	if err != nil && issue.As(err) == nil && !errors.Is(err, s.stop) {
		if errors.Is(err, errPart) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isSyntax(err) {
			return nil, issue.Errorf(issue.Structure, "The CodeSystem is no JSON that can be read: %v (at byte %d).", err, s.dec.InputOffset()).
				Rule("json-syntax").Chinese("CodeSystem 不是可读取的 JSON。")
		}
	}
	return header, err
}

func isSyntax(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	return syntax
}

const (
	maxPart     = 4 << 20
	maxNesting  = 100
	concepts    = "concept"
	splitFailed = "codesystem-split"
)

var errPart = errors.New("one part is longer than 4 MiB")

// partReader breaks off when a part takes too much.
type partReader struct {
	r    io.Reader
	left int
}

func (b *partReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errPart
	}
	n, err := b.r.Read(p[:min(len(p), 64<<10)])
	b.left -= n
	return n, err
}

type splitter struct {
	dec   *json.Decoder
	in    *partReader
	visit func(*Concept) error
	stop  error // what visit returned
	doc   tree.Doc
}

// member reads the next member's name; ok is false at the object's end.
func (s *splitter) member() (name string, ok bool, err error) {
	if !s.dec.More() {
		_, err := s.dec.Token()
		return "", false, err
	}
	t, err := s.dec.Token()
	name, ok = t.(string)
	return name, ok, err
}

func (s *splitter) value() (json.RawMessage, error) {
	var raw json.RawMessage
	s.in.left = maxPart
	err := s.dec.Decode(&raw)
	return raw, err
}

func (s *splitter) delim(want json.Delim) error {
	t, err := s.dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return issue.Errorf(issue.Structure, "Expected %q at byte %d of the CodeSystem, found %v.", want.String(), s.dec.InputOffset(), t).
			Rule(splitFailed).Chinese("CodeSystem 的结构不正确。")
	}
	return nil
}

func (s *splitter) resource() ([]byte, error) {
	if err := s.delim('{'); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	sep, typ := byte('{'), ""
	for {
		name, ok, err := s.member()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if name == concepts {
			if err := s.concepts("", 0); err != nil {
				return nil, err
			}
			continue
		}
		raw, err := s.value()
		if err != nil {
			return nil, err
		}
		if name == "resourceType" {
			typ = string(raw)
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		if out.Len()+len(raw) > maxPart {
			return nil, errPart
		}
		out.WriteByte(sep)
		out.Write(append(key, ':'))
		out.Write(raw)
		sep = ','
	}
	if typ != `"CodeSystem"` {
		return nil, issue.Errorf(issue.Structure, "Expected a CodeSystem, found the resourceType %.40s.", typ).Rule("resource-type").Chinese("此处应为 CodeSystem 资源。")
	}
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, issue.Errorf(issue.Structure, "Something follows the CodeSystem at byte %d.", s.dec.InputOffset()).Rule(splitFailed).Chinese("CodeSystem 之后还有其他内容。")
	}
	return append(out.Bytes(), '}'), nil
}

// concepts reads an array of concepts.
func (s *splitter) concepts(parent string, depth int) error {
	if depth > maxNesting {
		return issue.Errorf(issue.TooCostly, "The concepts lie more than %d deep.", maxNesting).Rule(splitFailed).Chinese("概念嵌套过深。")
	}
	if err := s.delim('['); err != nil {
		return err
	}
	for s.dec.More() {
		s.in.left = maxPart
		if err := s.concept(parent, depth); err != nil {
			return err
		}
	}
	return s.delim(']')
}

// concept reads one, and those inside it. Its own members are collected and
// parsed as a small document. Children that stand before the code are kept
// until it is known.
func (s *splitter) concept(parent string, depth int) error {
	if err := s.delim('{'); err != nil {
		return err
	}
	own := []byte{'{'}
	var early json.RawMessage
	code := ""
	for {
		name, ok, err := s.member()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if name == concepts && code != "" {
			if err := s.concepts(code, depth+1); err != nil {
				return err
			}
			continue
		}
		raw, err := s.value()
		if err != nil {
			return err
		}
		if name == concepts {
			early = raw
			continue
		}
		if name == "code" {
			if err := json.Unmarshal(raw, &code); err != nil {
				code = ""
			}
		}
		if len(own) > 1 {
			own = append(own, ',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		if own = append(append(append(own, key...), ':'), raw...); len(own) > maxPart {
			return errPart
		}
	}
	if early != nil {
		inner := &splitter{dec: json.NewDecoder(bytes.NewReader(early)), in: &partReader{}, visit: s.visit}
		if err := inner.concepts(code, depth+1); err != nil {
			s.stop = inner.stop
			return err
		}
	}
	return s.emit(append(own, '}'), parent, code)
}

func (s *splitter) emit(own []byte, parent, code string) error {
	if code == "" {
		return issue.Errorf(issue.Required, "A concept before byte %d of the CodeSystem has no code.", s.dec.InputOffset()).
			At("CodeSystem.concept.code").Rule("codesystem-code").Chinese("有一个概念缺少代码。")
	}
	if err := s.doc.Parse(own, tree.Limits{}); err != nil {
		return err
	}
	c := conceptOf(s.doc.Root())
	if parent != "" {
		c.Parents = []string{parent}
	}
	s.stop = s.visit(&c)
	return s.stop
}
