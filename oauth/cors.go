package oauth

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// origins keeps those of the pages of all apps for a while.
type origins struct {
	mu    sync.Mutex
	list  []string
	until time.Time
}

// Origin tells whether an origin is that of a registered app: its pages may use
// tokens from a browser.
func (s *Server) Origin(ctx context.Context, origin string) bool {
	s.origin.mu.Lock()
	defer s.origin.mu.Unlock()
	if now := s.clock(); !now.Before(s.origin.until) {
		apps, err := s.store.Clients(ctx, s.Tenant)
		if err != nil {
			return false
		}
		s.origin.list = nil
		for _, c := range apps {
			if !c.Pending {
				s.origin.list = append(s.origin.list, c.origins()...)
			}
		}
		s.origin.until = now.Add(time.Second)
	}
	return slices.Contains(s.origin.list, origin)
}

// cors lets pages of registered apps read the answer.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && s.Origin(r.Context(), origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "POST")
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			w.Header().Set("Access-Control-Max-Age", "600")
		}
	}
}
