package engine

import (
	"fmt"
	"testing"

	"hecate"
)

func benchRecords(b *testing.B, fields ...hecate.Field) (*records, *hecate.Actor) {
	h := newHouse(b, "sqlite", Config{OpenRegistration: true})
	r := &records{house: h}
	r.app, r.owner = h.app("app")
	r.key = h.key(r.owner, 0)
	r.c = r.collection("things", fields...)
	return r, h.as(r.app, r.key, h.user(r.owner, "ann"))
}

var benchFields = []hecate.Field{{Name: "title", Type: hecate.StringType, Indexed: true}, {Name: "body", Type: hecate.TextType}, {Name: "count", Type: hecate.IntegerType}}

// BenchmarkCreateRecord is 32 callers that each make records, durably.
func BenchmarkCreateRecord(b *testing.B) {
	for name, fields := range map[string][]hecate.Field{"indexed": benchFields, "plain": {{Name: "title", Type: hecate.StringType}, benchFields[1], benchFields[2]}} {
		b.Run(name, func(b *testing.B) {
			h, ann := benchRecords(b, fields...)
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for n := 0; pb.Next(); n++ {
					_, err := h.CreateRecord(ctx, ann, h.c, RecordInput{Values: hecate.Values{"title": fmt.Sprint("title ", n), "body": "some text", "count": int64(n)}})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
		})
	}
}

// BenchmarkRecord is a record that is read again and again.
func BenchmarkRecord(b *testing.B) {
	h, ann := benchRecords(b, benchFields...)
	made := must[*hecate.Record](b)(h.CreateRecord(ctx, ann, h.c, RecordInput{Access: ownedBy(hecate.Grant{Subject: hecate.Owner, Permissions: full})}))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := h.Record(ctx, ann, h.c, RecordRef{Seq: made.Seq}); err != nil {
			b.Fatal(err)
		}
	}
}
