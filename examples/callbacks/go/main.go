// A receiver of Backstop's callbacks. It uses the standard library only. Copy what you need.
//
//	CALLBACK_SECRETS=whsec_... PORT=3000 go run ./examples/callbacks/go
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tolerance = 5 * time.Minute // an older message may be a recorded one
	maxBody   = 1 << 20         // bytes
)

// verify checks that a message was signed with one of the secrets, within the last 5 minutes. The body must be the bytes as they
// came: JSON that was parsed and written again may differ.
func verify(header http.Header, body []byte, secrets []string, now time.Time) error {
	id, timestamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" {
		return errors.New("a header is missing")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errors.New("the message is too old, or from the future")
	}
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 {
			return errors.New("a secret is not valid")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for signature := range strings.SplitSeq(header.Get("Webhook-Signature"), " ") {
			if hmac.Equal([]byte(signature), []byte(want)) { // takes the same time for each wrong signature
				return nil
			}
		}
	}
	return errors.New("no signature fits")
}

// callback is the part of a message that this receiver reads. api/openapi.yaml describes all of it (CallbackBody).
type callback struct {
	Type string `json:"type"`
	Data struct {
		Revision int `json:"revision"`
		Send     struct {
			ID      string `json:"id"`
			Outcome string `json:"outcome"`
		} `json:"send"`
	} `json:"data"`
}

// receiver keeps in memory what a real one keeps in its database.
type receiver struct {
	secrets []string

	mu        sync.Mutex
	handled   map[string]bool // by webhook-id: a message may come more than once
	revisions map[string]int  // by send
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		http.Error(w, "the body is too long or incomplete", http.StatusBadRequest)
		return
	}
	if err := verify(request.Header, body, r.secrets, time.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	var c callback
	if err := json.Unmarshal(body, &c); err != nil {
		http.Error(w, "the body is not JSON", http.StatusBadRequest)
		return
	}
	r.handle(request.Header.Get("Webhook-Id"), c)
	w.WriteHeader(http.StatusNoContent) // only now: after another answer the message comes again
}

// handle does the work. It must be quick: Backstop waits for 15 seconds.
func (r *receiver) handle(id string, c callback) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handled[id] {
		return
	}
	r.handled[id] = true
	if c.Data.Revision < r.revisions[c.Data.Send.ID] {
		return // a newer state of the send is known
	}
	r.revisions[c.Data.Send.ID] = c.Data.Revision
	fmt.Fprintln(os.Stdout, c.Type, c.Data.Send.ID, c.Data.Send.Outcome)
}

func main() {
	r := &receiver{
		secrets: strings.Split(os.Getenv("CALLBACK_SECRETS"), ","), // two while you change them
		handled: map[string]bool{}, revisions: map[string]int{},
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stdout, "listening at http://%s/\n", listener.Addr())
	server := &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.Serve(listener))
}
