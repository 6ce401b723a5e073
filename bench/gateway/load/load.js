import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const GENERATOR = fileURLToPath(new URL('./generator.js', import.meta.url));

/** The process that makes the load; one for the whole run. */
export class Load {
  child = fork(GENERATOR);

  /** Runs one round. `onMeasuring` and `onMeasured` are called at its begin, after the warm-up, and at its end. */
  run(order, { onMeasuring, onMeasured }) {
    return new Promise((resolve, reject) => {
      const gone = (code) => reject(new Error(`the load ended with ${code}`));
      const settle = (done, value) => {
        this.child.off('message', hear).off('exit', gone);
        done(value);
      };
      const hear = (message) => {
        try {
          if (message.measuring) onMeasuring();
          else if (message.measured) onMeasured();
          else if (message.fault) settle(reject, new Error(message.fault));
          else settle(resolve, message.result);
        } catch (error) {
          settle(reject, error);
        }
      };
      this.child.on('message', hear).on('exit', gone);
      this.child.send(order);
    });
  }

  stop() {
    this.child.disconnect();
  }
}
