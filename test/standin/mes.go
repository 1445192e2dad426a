// Package standin is a manufacturer's MES for demo and tests. It knows Tenon by
// the published JSON Schemas of the webhook alone and imports nothing of it.
package standin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Order is what the MES keeps of a job order.
type Order struct {
	JobOrder string `json:"jobOrder"`
	Name     string `json:"name"`
	Serial   string `json:"serial"`
	Machine  string `json:"machine"`
	Lot      string `json:"lot"`
	Due      string `json:"due"`
	Model    struct {
		SHA256 string `json:"sha256"`
	} `json:"model"`
}

// Control is what the MES is told about a job that it makes.
type Control struct {
	Control  string `json:"control"`
	Action   string `json:"action"`
	JobOrder string `json:"jobOrder"`
	Reason   string `json:"reason"`
	AnswerBy string `json:"answerBy"`
}

// MES listens for job orders on loopback and reports what it makes.
type MES struct {
	secret string
	news   string // URL that news are posted to
	server *http.Server
	addr   string
	orders chan Order
	told   chan Control

	mu    sync.Mutex
	taken map[string]bool
	next  int
	clock func() time.Time
}

// New starts a MES on a free loopback port. newsURL may be set later by Report.
func New(secret string, clock func() time.Time) (*MES, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &MES{secret: secret, addr: l.Addr().String(), orders: make(chan Order, 16), told: make(chan Control, 16), taken: map[string]bool{}, clock: clock}
	m.server = &http.Server{Handler: http.HandlerFunc(m.take), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = m.server.Serve(l) }()
	return m, nil
}

// URL is where job orders are posted.
func (m *MES) URL() string { return "http://" + m.addr + "/job-orders" }

// Report says where news go.
func (m *MES) Report(newsURL string) { m.news = newsURL }

// Orders gives each job order once.
func (m *MES) Orders() <-chan Order { return m.orders }

// Controls gives each job control once.
func (m *MES) Controls() <-chan Control { return m.told }

// Close stops listening.
func (m *MES) Close() error { return m.server.Close() }

// take is the door for job orders: it checks the signature, and takes an
// idempotency key once.
func (m *MES) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || !hmac.Equal([]byte(r.Header.Get("Tenon-Signature")), []byte(m.signature(r.Header.Get("Tenon-Timestamp"), body))) {
		http.Error(w, "signature", http.StatusUnauthorized)
		return
	}
	if r.Header.Get("Tenon-Kind") == "job-control" {
		m.takeControl(w, r.Header.Get("Idempotency-Key"), body)
		return
	}
	var o Order
	if err := json.Unmarshal(body, &o); err != nil || o.JobOrder == "" || len(o.Model.SHA256) != 64 {
		http.Error(w, "not a job order", http.StatusUnprocessableEntity)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if key := r.Header.Get("Idempotency-Key"); !m.taken[key] {
		m.taken[key] = true
		m.orders <- o
	}
	w.WriteHeader(http.StatusAccepted)
}

// takeControl is the door for job controls.
func (m *MES) takeControl(w http.ResponseWriter, key string, body []byte) {
	var c Control
	if err := json.Unmarshal(body, &c); err != nil || c.Control == "" || c.JobOrder == "" {
		http.Error(w, "not a job control", http.StatusUnprocessableEntity)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.taken[key] {
		m.taken[key] = true
		m.told <- c
	}
	w.WriteHeader(http.StatusAccepted)
}

// Answer is the message that says what came of a control.
func (m *MES) Answer(c Control, outcome string, at time.Time) map[string]any {
	return m.News(Order{JobOrder: c.JobOrder}, "acknowledged", at, map[string]any{"answer": map[string]any{"control": c.Control, "outcome": outcome}})
}

func (m *MES) signature(stamp string, body []byte) string {
	h := hmac.New(sha256.New, []byte(m.secret))
	fmt.Fprintf(h, "%s.", stamp)
	h.Write(body)
	return "v1=" + hex.EncodeToString(h.Sum(nil))
}

// Number is the next message number.
func (m *MES) Number() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next++
	return fmt.Sprintf("MES-%04d", m.next)
}

// Send posts one message as it is; a repeat is sent by sending it again.
func (m *MES) Send(ctx context.Context, message map[string]any) (status int, answer []byte, err error) {
	body, err := json.Marshal(message)
	if err != nil {
		return 0, nil, err
	}
	if m.news == "" {
		return 0, nil, errors.New("standin: nobody said where news go")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.news, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	stamp := strconv.FormatInt(m.clock().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Tenon-Timestamp", stamp)
	req.Header.Set("Tenon-Signature", m.signature(stamp, body))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, answer, err
}

// News begins a message of an event.
func (m *MES) News(o Order, event string, at time.Time, more map[string]any) map[string]any {
	n := map[string]any{"id": m.Number(), "jobOrder": o.JobOrder, "event": event, "at": at.Format(time.RFC3339Nano), "operator": "mes-operator-7"}
	for k, v := range more {
		n[k] = v
	}
	return n
}
