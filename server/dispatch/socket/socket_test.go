package socket_test

import (
	"strings"
	"testing"

	"tenon/server/dispatch/socket"
)

func TestParseCommand(t *testing.T) {
	for message, want := range map[string]socket.Command{
		"bind 1":                {Verb: "bind", Argument: "1"},
		"bind :a-b.C":           {Verb: "bind", Argument: "a-b.C"},
		"bind-with-token AB_-9": {Verb: "bind-with-token", Argument: "AB_-9"},
		"bind 1\n":              {Verb: "bind", Argument: "1"},
		"":                      {}, "bind": {}, "bind ": {}, "ping 1": {}, "bind 1 2": {}, "bind ../x": {}, "BIND 1": {},
		"bind " + strings.Repeat("x", 200): {},
	} {
		got, ok := socket.ParseCommand(message)
		if got != want || ok != (want.Verb != "") {
			t.Errorf("ParseCommand(%q) = %v %v, want %v", message, got, ok, want)
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{"bind 1", "bind-with-token AB_-9", "bind \x00", "bind :x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		c, ok := socket.ParseCommand(message)
		if ok && (c.Argument == "" || len(c.Argument) > 128 || strings.ContainsAny(c.Argument, " /\r\n\x00") || c.Verb != "bind" && c.Verb != "bind-with-token") {
			t.Errorf("ParseCommand(%q) = %+v", message, c)
		}
	})
}
