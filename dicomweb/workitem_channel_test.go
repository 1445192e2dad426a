package dicomweb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/dicomweb"
	"tenon/dicomweb/index"
	"tenon/server/access"
)

// steps is the worklist of the house: who is subscribed to all of it.
type steps struct {
	*house
	broken bool
}

func (steps) Workitems(context.Context, access.Predicate, index.WorkitemQuery, [2]string, int) ([]*index.Workitem, error) {
	return []*index.Workitem{{}}, nil // in reach
}
func (steps) Subscribe(context.Context, *index.Subscriber) error           { return nil }
func (steps) Unsubscribe(context.Context, *index.Subscriber) (bool, error) { return true, nil }

func (s *steps) Subscriptions(_ context.Context, principal, title string) ([]*index.Subscriber, error) {
	if s.broken {
		return nil, errors.New("the database is away")
	}
	return []*index.Subscriber{{Principal: principal, Title: title, Workitem: "1.2.840.10008.5.1.4.34.5"}}, nil
}

// line is a channel of events that remembers what it was told.
type line struct {
	mu   sync.Mutex
	told []string
	done chan struct{}
	once sync.Once
}

func (l *line) Send(_ context.Context, message []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, string(message))
	return nil
}

// wait waits until it was told so often.
func (l *line) wait(t *testing.T, n int) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		told := len(l.told)
		l.mu.Unlock()
		if told >= n {
			return
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("told %d of %d", told, n)
		}
	}
}

func (l *line) Done() <-chan struct{} { return l.done }
func (l *line) Close()                { l.once.Do(func() { close(l.done) }) }

const aWorkitem = `[{"00100020":{"vr":"LO","Value":["P-1"]},"00741000":{"vr":"CS","Value":["SCHEDULED"]},"00741200":{"vr":"CS","Value":["LOW"]},"00741204":{"vr":"LO","Value":["x"]},
	"00404005":{"vr":"DT","Value":["20260301080000"]},"00404041":{"vr":"CS","Value":["READY"]},"00404018":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["110005"]},"00080102":{"vr":"SH","Value":["DCM"]}}]}}]`

// TestChannelTellsFromItsFirstMoment: a client learns that its channel is open before
// the handler goes on; what happens in that moment is told, in its order, and what
// cannot be told closes the channel.
func TestChannelTellsFromItsFirstMoment(t *testing.T) {
	t.Parallel()
	var c *clinic
	l := &line{done: make(chan struct{})}
	list := &steps{}
	happen := func(uid int) {
		if a := c.do(t, "POST", fmt.Sprintf("/workitems?1.2.%d", uid), []byte(aWorkitem), "Content-Type", "application/dicom+json"); a.StatusCode != 201 {
			t.Errorf("POST = %d %s", a.StatusCode, a.body)
		}
	}
	opened := 0
	c = open(t, func(o *dicomweb.Options) {
		o.Workitems = list
		o.Stream = func(http.ResponseWriter, *http.Request) (dicomweb.Stream, error) {
			opened++
			happen(1) // its client has been told, and acts
			happen(2)
			return l, nil
		}
	})
	t.Cleanup(l.Close)
	list.house = c.house
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.do(t, "GET", "/subscribers/ONE", nil)
	}()
	l.wait(t, 2)
	happen(3)
	l.mu.Lock()
	for i, want := range []string{"1.2.1", "1.2.2", "1.2.3"} {
		if len(l.told) != 3 || !strings.Contains(l.told[i], `"`+want+`"`) {
			t.Fatalf("told %v, want %s as number %d of 3", l.told, want, i+1)
		}
	}
	l.mu.Unlock()
	list.broken = true
	happen(4)
	<-ended // its client knows that it has missed something
	if opened != 1 {
		t.Errorf("opened %d times", opened)
	}
}
