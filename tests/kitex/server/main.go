// A Kitex server as the template has them: Send and Pull, no Ready, messages in memory, errors as it pleases. The texts
// of the messages say what it does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/server"

	"kitextest/kitex_gen/template"
	"kitextest/kitex_gen/template/imservice"
)

type service struct {
	mutex sync.Mutex
	chats map[string][]*template.Message
	last  int64
}

// Does what a text such as "sleep 200" or "code 500" asks for; nil: an ordinary answer.
func obey(ctx context.Context, text string) (*template.SendResponse, error) {
	verb, argument, _ := strings.Cut(text, " ")
	number, _ := strconv.Atoi(argument)
	switch verb {
	case "throw":
		return nil, errors.New("it was thrown")
	case "panic":
		panic("it panicked")
	case "business":
		return nil, kerrors.NewBizStatusError(int32(number), "it is the business' error")
	case "code":
		return &template.SendResponse{Code: int32(number), Msg: "it has a code"}, nil
	case "nothing":
		return nil, nil
	case "sleep":
		time.Sleep(time.Duration(number) * time.Millisecond)
	case "timeout":
		told := rpcinfo.GetRPCInfo(ctx).Config().RPCTimeout()
		return &template.SendResponse{Code: 500, Msg: fmt.Sprintf("told %d ms", told.Milliseconds())}, nil
	}
	return nil, nil
}

func (s *service) Send(ctx context.Context, r *template.SendRequest) (*template.SendResponse, error) {
	if answer, err := obey(ctx, r.Message.Text); answer != nil || err != nil || r.Message.Text == "nothing" {
		return answer, err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.last = max(s.last+1, time.Now().UnixMicro())
	r.Message.SendTime = s.last
	s.chats[r.Message.Chat] = append(s.chats[r.Message.Chat], r.Message)
	return &template.SendResponse{Msg: "success"}, nil
}

// In the template's manner: cursors are positions, and an absent chat is the server's own error.
func (s *service) Pull(ctx context.Context, r *template.PullRequest) (*template.PullResponse, error) {
	switch r.Chat {
	case "bad:utf8":
		return &template.PullResponse{Messages: []*template.Message{{Chat: r.Chat, Text: "\xff", Sender: "bad"}}}, nil
	case "throw:z":
		return nil, errors.New("it was thrown")
	case "nothing:z":
		return nil, nil
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all := s.chats[r.Chat]
	if len(all) == 0 {
		return &template.PullResponse{Code: 404, Msg: "no such chat"}, nil
	}
	from := min(int(r.Cursor), len(all))
	to := min(from+int(r.Limit), len(all))
	out := &template.PullResponse{Msg: "success", Messages: []*template.Message{}}
	for i := from; i < to; i++ {
		at := i
		if r.GetReverse() {
			at = len(all) - 1 - i
		}
		out.Messages = append(out.Messages, all[at])
	}
	more, next := to < len(all), int64(to)
	out.HasMore, out.NextCursor = &more, &next
	return out, nil
}

func main() {
	address := flag.String("listen", "127.0.0.1:0", "HOST:PORT")
	mux := flag.Bool("mux", false, "take multiplexed connections")
	flag.Parse()
	klog.SetLevel(klog.LevelFatal)

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	made := []server.Option{
		server.WithListener(listener),
		server.WithMetaHandler(transmeta.ServerTTHeaderHandler),
		server.WithExitWaitTime(10 * time.Second),
	}
	if *mux {
		made = append(made, server.WithMuxTransport())
	}
	handler := &service{chats: map[string][]*template.Message{}}
	fmt.Printf("ready rpc=%s\n", listener.Addr())
	if err := imservice.NewServer(handler, made...).Run(); err != nil {
		log.Fatal(err)
	}
}
