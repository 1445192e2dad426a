package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// scanner reads the Bundle of a dossier entry by entry, so that a verification
// holds one entry in memory. It takes JSON apart no further than it must; what
// it cuts out is parsed strictly afterwards.
type scanner struct {
	r     *bufio.Reader
	at    int64 // bytes read
	limit int   // of one value
}

var errLong = errors.New("a value is longer than the limit of an entry")

// bundle calls member for each member of the top object but entry, with its
// raw value, and entry for each item of entry. Members may come once each.
func (s *scanner) bundle(member func(name string, value []byte) error, entry func(raw []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for {
		name, err := s.name()
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("the member %q comes twice", name)
		}
		seen[name] = true
		if name == "entry" {
			err = s.items(entry)
		} else {
			var value []byte
			if value, err = s.value(); err == nil {
				err = member(name, value)
			}
		}
		if err != nil {
			return err
		}
		more, err := s.more('}')
		if err != nil {
			return err
		}
		if !more {
			return s.end()
		}
	}
}

func (s *scanner) name() (string, error) {
	raw, err := s.value()
	if err != nil {
		return "", err
	}
	if len(raw) < 2 || raw[0] != '"' || len(raw) > 64 {
		return "", errors.New("a member has no name that a Bundle has")
	}
	for _, c := range raw[1 : len(raw)-1] {
		if c == '\\' {
			return "", errors.New("a member of the Bundle is written with escapes")
		}
	}
	return string(raw[1 : len(raw)-1]), s.expect(':')
}

func (s *scanner) items(entry func(raw []byte) error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	c, err := s.solid()
	if err != nil || c == ']' {
		return err
	}
	s.unread()
	for {
		raw, err := s.value()
		if err != nil {
			return err
		}
		if err := entry(raw); err != nil {
			return err
		}
		if more, err := s.more(']'); err != nil || !more {
			return err
		}
	}
}

// more reads a comma (true) or the closing byte (false).
func (s *scanner) more(closing byte) (bool, error) {
	c, err := s.solid()
	switch {
	case err != nil:
		return false, err
	case c == ',':
		return true, nil
	case c == closing:
		return false, nil
	}
	return false, fmt.Errorf("%q where a comma or %q must be", c, closing)
}

// end takes white space only.
func (s *scanner) end() error {
	if _, err := s.solid(); errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	} else if err != nil {
		return err
	}
	return errors.New("something follows the Bundle")
}

func (s *scanner) expect(want byte) error {
	c, err := s.solid()
	if err == nil && c != want {
		err = fmt.Errorf("%q where %q must be", c, want)
	}
	return err
}

// solid is the next byte that is no white space.
func (s *scanner) solid() (byte, error) {
	for {
		c, err := s.byte()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

func (s *scanner) byte() (byte, error) {
	c, err := s.r.ReadByte()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		s.at++
	}
	return c, err
}

func (s *scanner) unread() {
	_ = s.r.UnreadByte() // a byte was read just before
	s.at--
}

// value cuts out one value by its brackets and quotes. Whether it is JSON, its
// parser tells.
func (s *scanner) value() ([]byte, error) {
	c, err := s.solid()
	if err != nil {
		return nil, err
	}
	raw := []byte{c}
	depth, quoted, escaped := 0, false, false
	for {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth < 0 {
			return nil, fmt.Errorf("%q closes nothing", c)
		}
		if depth == 0 && !quoted {
			return s.scalar(raw)
		}
		if c, err = s.byte(); err != nil {
			return nil, err
		}
		if len(raw) >= s.limit {
			return nil, errLong
		}
		raw = append(raw, c)
	}
}

// scalar goes on to the end of a number or word; strings and containers are
// whole already.
func (s *scanner) scalar(raw []byte) ([]byte, error) {
	if c := raw[0]; c == '"' || c == '{' || c == '[' {
		return raw, nil
	}
	for len(raw) < 64 {
		c, err := s.byte()
		if err != nil {
			return nil, err
		}
		if c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			s.unread()
			return raw, nil
		}
		raw = append(raw, c)
	}
	return nil, errLong
}
