import { useEffect, useState } from 'react';

/** The time in milliseconds, fresh every `every` milliseconds while `ticking`. */
export function useNow(ticking = true, every = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!ticking) {
      return;
    }
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [ticking, every]);
  return now;
}
