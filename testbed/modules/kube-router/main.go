// kube-router's network policies alone: what enforces them in a testbed.
//
// The project's own main package brings a BGP router and a service proxy along; this one starts
// the one controller that is needed, on one node.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cloudnativelabs/kube-router/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/pkg/options"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	config := options.NewKubeRouterConfig()
	flag.StringVar(&config.HostnameOverride, "node", "", "name of the node that this runs on")
	flag.StringVar(&config.ClusterIPCIDR, "service-cluster-ip-range", "", "addresses of Services")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, config); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig string, config *options.KubeRouterConfig) error {
	access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, time.Hour)
	pods := factory.Core().V1().Pods().Informer()
	namespaces := factory.Core().V1().Namespaces().Informer()
	policies := factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	var ipsets sync.Mutex
	controller, err := netpol.NewNetworkPolicyController(
		client, config, pods, policies, namespaces, &ipsets)
	if err != nil {
		return err
	}
	pods.AddEventHandler(controller.PodEventHandler)
	namespaces.AddEventHandler(controller.NamespaceEventHandler)
	policies.AddEventHandler(controller.NetworkPolicyEventHandler)

	var running sync.WaitGroup
	running.Add(1)
	go controller.Run(heartbeats(ctx), ctx.Done(), &running)
	log.Printf("enforcing network policies on %s", config.HostnameOverride)
	running.Wait()
	controller.Cleanup()
	return nil
}

// heartbeats takes what the controller tells a health check that nobody asks here.
func heartbeats(ctx context.Context) chan<- *healthcheck.ControllerHeartbeat {
	beats := make(chan *healthcheck.ControllerHeartbeat)
	go func() {
		for {
			select {
			case <-beats:
			case <-ctx.Done():
				return
			}
		}
	}()
	return beats
}
