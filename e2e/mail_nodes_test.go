package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hecate/internal/mail/mailtest"
)

// TestTwoNodesSendEveryLetterOnce queues many letters on two nodes of one database. One of them stops in the middle: what it holds then it
// finishes or gives back, and nothing is sent twice.
func TestTwoNodesSendEveryLetterOnce(t *testing.T) {
	t.Parallel()
	const people = 60
	post := mailtest.Start(t, mailtest.Config{Delay: 400 * time.Millisecond})
	o := options{database: postgres(t), args: mailArgs("smtp://" + post.Addr)}
	a := start(t, o)
	o.dataDir = a.dataDir // one directory: the nodes share the master key
	b := start(t, o)
	var work sync.WaitGroup
	for i, s := range []*server{a, b} {
		work.Go(func() {
			for n := range people / 2 {
				s.registerByMail(t, fmt.Sprintf("eli%d-%d@example.com", i, n))
			}
		})
	}
	eventually(t, stepLimit, "letters leave", func() bool { return len(post.Mails()) > people/6 })
	work.Wait()
	b.stop(t)
	left := len(post.Mails())
	eventually(t, 45*time.Second, "every letter has left", func() bool { return len(post.Mails()) >= people })
	time.Sleep(time.Second)
	seen := map[string]int{}
	for _, m := range post.Mails() {
		seen[m.To]++
	}
	if len(seen) != people || len(post.Mails()) != people {
		t.Errorf("%d mails to %d people", len(post.Mails()), len(seen))
	}
	t.Logf("%d had left when one node stopped", left)
}
