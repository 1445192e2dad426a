package demo

import (
	"encoding/json"
	"strings"
	"sync"
)

// atOnce sends requests at the same moment.
func (s *story) atOnce(requests ...request) []*answer {
	answers := make([]*answer, len(requests))
	errs := make([]error, len(requests))
	gun := make(chan struct{})
	var all sync.WaitGroup
	for i, q := range requests {
		all.Go(func() {
			<-gun
			answers[i], errs[i] = s.web.try(q)
		})
	}
	close(gun)
	all.Wait()
	for _, err := range errs {
		must(err)
	}
	return answers
}

// decode reads a body that is no object.
func decode(a *answer, into any) {
	if err := json.Unmarshal(a.body, into); err != nil {
		stop(&Unexpected{a.request, "JSON", err.Error(), string(a.body)})
	}
}

// refOf is "Type/id" of a location such as …/Type/id/_history/1.
func refOf(location string) string {
	location, _, _ = strings.Cut(location, "/_history/")
	parts := strings.Split(location, "/")
	if len(parts) < 2 {
		return location
	}
	return strings.Join(parts[len(parts)-2:], "/")
}

func joined(words []string) string { return strings.Join(words, ", ") }
