use crate::committee::*;
use guardian_p2p::*;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency() {
    for listen in [TCP, QUIC] {
        let limits = Limits { messages_per_second: 1_000_000, message_burst: 1_000_000, ..Limits::default() };
        let [one, mut two, three] = committee::<3>(listen, &limits).await;
        let _ = &three;
        for ch in [Channel::Direct, Channel::Broadcast] {
            let mut all = vec![];
            for i in 0..1000u32 {
                let b = i.to_be_bytes();
                let t = std::time::Instant::now();
                match ch {
                    Channel::Direct => one.must_send(2, &b),
                    Channel::Broadcast => one.must_broadcast(&b),
                }
                loop {
                    if let Event::Received { bytes, channel, .. } = two.next().await {
                        if bytes == b && channel == ch {
                            break;
                        }
                    }
                }
                all.push(t.elapsed());
            }
            all.sort();
            println!("{listen} {ch:?} p50 {:?} p99 {:?} max {:?}", all[500], all[990], all[999]);
        }
        let t = std::time::Instant::now();
        let mut done = 0;
        for i in 0..200u32 {
            one.must_send(2, &i.to_be_bytes());
        }
        while done < 200 {
            if let Event::Received { channel: Channel::Direct, .. } = two.next().await {
                done += 1
            }
        }
        println!("{listen} 200 direct in {:?}", t.elapsed());
    }
}
