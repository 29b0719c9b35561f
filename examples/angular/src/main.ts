import { provideZonelessChangeDetection } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { App } from './app.js';
import { provideBrokers } from './brokers.js';

const providers = [provideZonelessChangeDetection(), ...provideBrokers()];
bootstrapApplication(App, { providers }).catch((error: unknown) => console.error(error));
