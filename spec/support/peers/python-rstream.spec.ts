import { expect } from 'chai';
import { startRabbitMq, type RabbitMqServer } from '../brokers/index.js';
import { unique } from '../names.js';
import { isAlive } from '../processes.js';
import { Rstream } from './python-rstream.js';
