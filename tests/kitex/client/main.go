// A Kitex client on a leash: calls come in as lines of JSON, are made at once, and what became of each goes out as a
// line, in the order in which they end.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"os"
	"sync"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/client/callopt"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/transport"

	"kitextest/kitex_gen/im"
	"kitextest/kitex_gen/im/imservice"
	"kitextest/kitex_gen/template"
	templateservice "kitextest/kitex_gen/template/imservice"
)

type request struct {
	ID      int
	Method  string
	Chat    string
	Text    string
	Sender  string
	Key     *string
	Cursor  int64
	Limit   int32
	Reverse *bool
	Timeout int // milliseconds; 0: the client's
}

type outcome struct {
	ID     int
	Answer any    `json:",omitempty"`
	Error  string `json:",omitempty"`
	Type   int32  `json:",omitempty"` // of the exception, where the server threw one
}

type caller func(context.Context, *request, ...callopt.Option) (any, error)

var transports = map[string]transport.Protocol{
	"buffered":       transport.PurePayload,
	"framed":         transport.Framed,
	"ttheader":       transport.TTHeader,
	"ttheaderframed": transport.TTHeaderFramed,
}

func options(address, protocol, connections string) []client.Option {
	found, known := transports[protocol]
	if !known {
		log.Fatalf("no transport %q", protocol)
	}
	made := []client.Option{
		client.WithHostPorts(address),
		client.WithRPCTimeout(20 * time.Second),
		client.WithConnectTimeout(20 * time.Second),
		client.WithMetaHandler(transmeta.ClientTTHeaderHandler),
		client.WithTransportProtocol(found),
	}
	switch connections {
	case "short":
		return append(made, client.WithShortConnection())
	case "pool":
		idle := connpool.IdleConfig{MaxIdlePerAddress: 10, MaxIdleGlobal: 10, MaxIdleTimeout: time.Minute}
		return append(made, client.WithLongConnection(idle))
	case "mux":
		return append(made, client.WithMuxConnection(1))
	}
	log.Fatalf("no connections of the kind %q", connections)
	return nil
}

// Knows all of today's IDL, and a method Erase that is in no server.
func current(made []client.Option) caller {
	service := imservice.MustNewClient("parley", made...)
	return func(ctx context.Context, r *request, call ...callopt.Option) (any, error) {
		message := &im.Message{Chat: r.Chat, Text: r.Text, Sender: r.Sender}
		switch r.Method {
		case "Send":
			return service.Send(ctx, &im.SendRequest{Message: message, IdempotencyKey: r.Key}, call...)
		case "Pull":
			return service.Pull(ctx, &im.PullRequest{Chat: r.Chat, Cursor: r.Cursor, Limit: r.Limit, Reverse: r.Reverse}, call...)
		case "Ready":
			return service.Ready(ctx, &im.ReadyRequest{}, call...)
		case "Erase":
			return service.Erase(ctx, &im.SendRequest{Message: message}, call...)
		}
		return nil, errors.New("no method " + r.Method)
	}
}

// Knows what the template knew.
func old(made []client.Option) caller {
	service := templateservice.MustNewClient("parley", made...)
	return func(ctx context.Context, r *request, call ...callopt.Option) (any, error) {
		switch r.Method {
		case "Send":
			message := &template.Message{Chat: r.Chat, Text: r.Text, Sender: r.Sender}
			return service.Send(ctx, &template.SendRequest{Message: message}, call...)
		case "Pull":
			return service.Pull(ctx, &template.PullRequest{Chat: r.Chat, Cursor: r.Cursor, Limit: r.Limit, Reverse: r.Reverse}, call...)
		}
		return nil, errors.New("no method " + r.Method)
	}
}

func perform(make caller, r *request) outcome {
	var call []callopt.Option
	if r.Timeout > 0 {
		call = append(call, callopt.WithRPCTimeout(time.Duration(r.Timeout)*time.Millisecond))
	}
	answer, err := make(context.Background(), r, call...)
	if err == nil {
		return outcome{ID: r.ID, Answer: answer}
	}
	out := outcome{ID: r.ID, Error: err.Error()}
	var thrown *remote.TransError
	if errors.As(err, &thrown) {
		out.Type = thrown.TypeID()
	}
	return out
}

func main() {
	address := flag.String("address", "", "HOST:PORT of the server")
	protocol := flag.String("transport", "framed", "buffered, framed, ttheader or ttheaderframed")
	connections := flag.String("connections", "pool", "pool, short or mux")
	idl := flag.String("idl", "current", "current or template")
	flag.Parse()
	klog.SetLevel(klog.LevelError)

	made := current
	if *idl == "template" {
		made = old
	}
	call := made(options(*address, *protocol, *connections))

	var writing sync.Mutex
	var running sync.WaitGroup
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r := &request{}
		if err := json.Unmarshal(lines.Bytes(), r); err != nil {
			log.Fatal(err)
		}
		running.Add(1)
		go func() {
			defer running.Done()
			ended := perform(call, r)
			writing.Lock()
			defer writing.Unlock()
			if err := out.Encode(ended); err != nil {
				log.Fatal(err)
			}
		}()
	}
	running.Wait()
}
